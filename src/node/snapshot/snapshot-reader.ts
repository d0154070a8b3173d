/**
 * Reads a snapshot file from the disk, a cluster at a time.
 * @module
 */
import { type FileHandle, open } from "node:fs/promises";
import { DiscoveryError, isDiscoveryError } from "../../errors.ts";
import { readSnapshot, type SnapshotCluster } from "../../protocol/snapshot-entries.ts";
import { fileFailure } from "../files/file-failure.ts";

export type { SnapshotCluster };

/** How much is read at once; other work has its turn in between. */
const CHUNK_BYTES = 256 * 1024;

/**
 * Reads a snapshot file, this service's or the Go service's.
 *
 * @throws {DiscoveryError} `ERR_FILE_UNREADABLE`, `ERR_SNAPSHOT_MALFORMED` at the first entry that
 *   is bad: the clusters before it were given. The message begins with the path.
 * @example
 * for await (const { cluster } of readSnapshotFile("state.binpb")) console.log(cluster.id);
 */
export async function* readSnapshotFile(path: string): AsyncGenerator<SnapshotCluster, undefined> {
  try {
    await using file = await open(path);
    yield* readSnapshot(chunksOf(file));
  } catch (cause) {
    if (isDiscoveryError(cause)) {
      throw new DiscoveryError(cause.code, `${path}: ${cause.message}`, { cause });
    }
    throw new DiscoveryError("ERR_FILE_UNREADABLE", fileFailure(path, cause), { cause });
  }
}

/** A file's bytes in order, each chunk in a buffer of its own. */
async function* chunksOf(file: FileHandle): AsyncGenerator<Uint8Array, undefined> {
  for (;;) {
    const { buffer, bytesRead } = await file.read(
      new Uint8Array(CHUNK_BYTES),
      0,
      CHUNK_BYTES,
      null,
    );
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}
