/**
 * Reads a snapshot file from the disk, a cluster at a time.
 * @module
 */
import { DiscoveryError, isDiscoveryError } from "../../errors.ts";
import { readSnapshot, type SnapshotCluster } from "../../protocol/snapshot-entries.ts";
import { fileFailure } from "../files/file-failure.ts";
import { type ReadInputOptions, readInputChunks } from "../files/input-bytes.ts";

export type { SnapshotCluster };

/**
 * Reads a snapshot file, this service's or the Go service's.
 *
 * @param options - `signal` ends the reading, also the wait for a file that is a FIFO.
 * @throws {DiscoveryError} `ERR_FILE_UNREADABLE`, `ERR_SNAPSHOT_MALFORMED` at the first entry that
 *   is bad: the clusters before it were given. The message begins with the path.
 * @example
 * for await (const { cluster } of readSnapshotFile("state.binpb")) console.log(cluster.id);
 */
export async function* readSnapshotFile(
  path: string,
  options: ReadInputOptions = {},
): AsyncGenerator<SnapshotCluster, undefined> {
  try {
    yield* readSnapshot(readInputChunks(path, options));
  } catch (cause) {
    options.signal?.throwIfAborted();
    if (isDiscoveryError(cause)) {
      throw new DiscoveryError(cause.code, `${path}: ${cause.message}`, { cause });
    }
    throw new DiscoveryError("ERR_FILE_UNREADABLE", fileFailure(path, cause), { cause });
  }
}
