/**
 * Finds the entries of a snapshot file in its bytes as they come, holding no more than one of them.
 * @module
 */
import { DiscoveryError } from "../errors.ts";
import type { ClusterSnapshot } from "./gen/sidero/discovery/storage/storage_pb.ts";
import { MAX_SNAPSHOT_CLUSTER_BYTES } from "./limits.ts";
import { decodeSnapshotCluster, SNAPSHOT_CLUSTERS_TAG } from "./snapshot.ts";

/** One entry of a snapshot file. */
export interface SnapshotEntry {
  /** The encoded `ClusterSnapshot`: tag and length are off. */
  readonly message: Uint8Array;
  /** Where it begins, tag and length included, in bytes from the start of the file. */
  readonly startsAt: number;
  /** Where the next one begins. */
  readonly endsAt: number;
}

/** A cluster of a snapshot file. */
export interface SnapshotCluster {
  /** Its bytes are parts of a chunk, or of a copy of the entry. */
  readonly cluster: ClusterSnapshot;
  /** How many bytes of the file are read with it. */
  readonly endsAt: number;
}

/** A varint of this many bytes holds 64 bits. */
const MAX_VARINT_BYTES = 10;

/**
 * Reads a snapshot file, a cluster at a time.
 *
 * @param chunks - The file's bytes in order, cut anywhere; a chunk must not change once given.
 * @throws {DiscoveryError} `ERR_SNAPSHOT_MALFORMED` at the first entry that is bad, naming its
 *   place. The clusters before it were given.
 * @example
 * for await (const { cluster } of readSnapshot(createReadStream("state.binpb"))) console.log(cluster.id);
 */
export async function* readSnapshot(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<SnapshotCluster, undefined> {
  for await (const { message, startsAt, endsAt } of splitSnapshot(chunks)) {
    let cluster: ClusterSnapshot;
    try {
      cluster = decodeSnapshotCluster(message);
    } catch (error) {
      throw malformed(startsAt, "no cluster", error);
    }
    yield { cluster, endsAt };
  }
}

/**
 * Splits a snapshot file into its entries.
 *
 * @param chunks - The file's bytes in order, cut anywhere; a chunk must not change once given.
 * @throws {DiscoveryError} `ERR_SNAPSHOT_MALFORMED` at something that is no entry or is over
 *   137,912,579 bytes, and at the end of a file that ends within an entry. The entries before were
 *   given.
 */
export async function* splitSnapshot(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<SnapshotEntry, undefined> {
  const head = new EntryHead();
  let startsAt = 0;
  let position = 0;
  let parts: Uint8Array[] = [];
  let missing = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      if (!head.isComplete) {
        position++;
        if (!head.take(chunk[at++] as number, startsAt)) continue;
        missing = head.length;
      }
      const part = chunk.subarray(at, at + missing);
      at += part.length;
      position += part.length;
      missing -= part.length;
      parts.push(part);
      if (missing > 0) continue;
      yield { message: joined(parts, head.length), startsAt, endsAt: position };
      parts = [];
      startsAt = position;
      head.reset();
    }
  }
  if (position > startsAt) {
    const what = head.isComplete ? `${head.length} bytes, of which ${missing} are missing` : "cut";
    throw malformed(startsAt, what);
  }
}

/** Tag and length of an entry, byte by byte. */
class EntryHead {
  length = 0;
  isComplete = false;
  #isTagDone = false;
  #value = 0;
  #bytes = 0;

  /** @returns Whether that was the last byte. */
  take(byte: number, startsAt: number): boolean {
    // Multiplied, since a length may be over 32 bits where the file is broken.
    this.#value += (byte & 0x7f) * 2 ** (7 * this.#bytes);
    this.#bytes++;
    if (byte > 0x7f) {
      if (this.#bytes === MAX_VARINT_BYTES) throw malformed(startsAt, "no number");
      return false;
    }
    if (!this.#isTagDone) {
      if (this.#value !== SNAPSHOT_CLUSTERS_TAG) throw malformed(startsAt, "no cluster");
      this.#isTagDone = true;
    } else {
      if (this.#value > MAX_SNAPSHOT_CLUSTER_BYTES) {
        throw malformed(startsAt, `over ${MAX_SNAPSHOT_CLUSTER_BYTES} bytes`);
      }
      this.length = this.#value;
      this.isComplete = true;
    }
    this.#value = 0;
    this.#bytes = 0;
    return this.isComplete;
  }

  reset(): void {
    this.isComplete = false;
    this.#isTagDone = false;
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function malformed(startsAt: number, what: string, cause?: unknown): DiscoveryError {
  return new DiscoveryError(
    "ERR_SNAPSHOT_MALFORMED",
    `the entry at byte ${startsAt} is malformed: ${what}`,
    { cause },
  );
}
