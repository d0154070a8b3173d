/**
 * A registry kept in one file, the snapshot file of the Go service: either can read what the other
 * has written.
 *
 * A save writes a new file beside the old one, brings it to the disk, and renames it: whenever the
 * process or the machine dies, the file is whole, the old one or the new one.
 * @see docs/protocol.md, "What the server does"
 * @module
 */
import { stat } from "node:fs/promises";
import { DiscoveryError } from "../../errors.ts";
import type {
  AffiliateSnapshot,
  ClusterSnapshot,
} from "../../protocol/gen/sidero/discovery/storage/storage_pb.ts";
import { encodeSnapshotCluster, snapshotTimeLeftMs } from "../../protocol/snapshot.ts";
import type { Journal, JournalAffiliate, JournalCluster } from "../../registry/journal.ts";
import { AtomicFile, removeLeftovers, setAside } from "../files/atomic-file.ts";
import { fileFailure } from "../files/file-failure.ts";
import { readSnapshotFile } from "./snapshot-reader.ts";
import type { SnapshotLoadReport, SnapshotReport } from "./snapshot-report.ts";

/** Where the reference keeps it. */
export const DEFAULT_SNAPSHOT_PATH = "/var/discovery-service/state.binpb";

/** How much is written at once; other work has its turn in between. */
const CHUNK_BYTES = 256 * 1024;

/** Options of {@link createSnapshotFile}. */
export interface SnapshotFileOptions {
  /** Its folder is made by the first save, where it is missing. */
  readonly path: string;
  /** The clock on the wall, in ms since 1970: older files have instants. @default Date.now */
  readonly wallClock?: (() => number) | undefined;
  /** Told how each load went. Must not throw. */
  readonly onLoad?: ((report: SnapshotLoadReport) => void) | undefined;
  /** Told how each save went. Must not throw. */
  readonly onSave?: ((report: SnapshotReport) => void) | undefined;
}

/**
 * Makes the journal of a registry out of a file. One process at a time may use a file.
 *
 * A file that is missing is an empty one. What cannot be read ends the load, is told to `onLoad`,
 * and stays where it is until the next save, which keeps it as `<path>.damaged`. The time for which
 * the service was down does not count.
 *
 * @returns Its `load` does not fail. Its `save` rejects with `ERR_SNAPSHOT_NOT_SAVED`, and the file
 *   is as it was.
 * @example
 * const journal = createSnapshotFile({ path: "/var/discovery-service/state.binpb" });
 * const registry = await MemoryRegistry.open({ journal, restartGraceMs: 300_000 });
 * await registry.close(); // saves
 */
export function createSnapshotFile(options: SnapshotFileOptions): Required<
  Pick<Journal, "refused" | "save">
> & {
  load(): AsyncIterable<JournalCluster>;
} {
  const { path, wallClock = Date.now, onLoad, onSave } = options;
  if (path === "") throw new TypeError("path: is empty");
  let tally = emptyTally();
  let isDamaged = false;

  async function* load(): AsyncGenerator<JournalCluster, undefined> {
    const started = performance.now();
    const counted = emptyTally();
    tally = counted;
    let bytes = 0;
    let unreadBytes = 0;
    let isMissing = false;
    let error: DiscoveryError | undefined;
    await removeLeftovers(path);
    try {
      for await (const { cluster, endsAt } of readSnapshotFile(path, { onlyFiles: true })) {
        const kept = aliveOf(cluster, wallClock(), counted);
        const before = counted.affiliates;
        counted.affiliates += kept.affiliates.length;
        for (const affiliate of kept.affiliates) counted.endpoints += affiliate.endpoints.length;
        if (kept.affiliates.length > 0) yield kept;
        // The registry has told of those it refuses by now.
        if (counted.affiliates > before) counted.clusters++;
        bytes = endsAt;
      }
    } catch (cause) {
      error = cause as DiscoveryError;
      isMissing = (error.cause as NodeJS.ErrnoException).code === "ENOENT";
      if (isMissing) error = undefined;
      else unreadBytes = (await stat(path).catch(() => ({ size: bytes }))).size - bytes;
    }
    isDamaged = error !== undefined;
    onLoad?.({
      operation: "load",
      status: error === undefined ? "success" : "error",
      path,
      ...counted,
      bytes,
      durationMs: performance.now() - started,
      error,
      isMissing,
      unreadBytes,
    });
  }

  return {
    load,

    refused(_clusterId, { endpoints }) {
      tally.affiliates--;
      tally.endpoints -= endpoints.length;
      tally.refused++;
    },

    async save(clusters) {
      const started = performance.now();
      const written = { clusters: 0, affiliates: 0, endpoints: 0, bytes: 0 };
      let error: DiscoveryError | undefined;
      try {
        await using file = await AtomicFile.create(path);
        let batch: Uint8Array[] = [];
        let batchBytes = 0;
        for (const cluster of clusters) {
          const entry = encodeSnapshotCluster(cluster);
          written.clusters++;
          written.affiliates += cluster.affiliates.length;
          for (const { endpoints } of cluster.affiliates) written.endpoints += endpoints.length;
          written.bytes += entry.length;
          batch.push(entry);
          batchBytes += entry.length;
          if (batchBytes < CHUNK_BYTES) continue;
          await file.write(batch);
          batch = [];
          batchBytes = 0;
        }
        await file.write(batch);
        await file.sync();
        if (isDamaged) await setAside(path);
        isDamaged = false;
        await file.commit();
      } catch (cause) {
        const message = `snapshot not saved: ${fileFailure(path, cause)}`;
        error = new DiscoveryError("ERR_SNAPSHOT_NOT_SAVED", message, { cause });
      }
      onSave?.({
        operation: "save",
        status: error === undefined ? "success" : "error",
        path,
        ...written,
        durationMs: performance.now() - started,
        error,
      });
      if (error !== undefined) throw error;
    },
  };
}

interface Tally {
  clusters: number;
  affiliates: number;
  endpoints: number;
  expired: number;
  refused: number;
}

function emptyTally(): Tally {
  return { clusters: 0, affiliates: 0, endpoints: 0, expired: 0, refused: 0 };
}

/** What of a cluster has time left. Bytes are parts of what was read: the registry copies them. */
function aliveOf(
  { id, affiliates }: ClusterSnapshot,
  wallClockMs: number,
  tally: Tally,
): JournalCluster {
  const alive = affiliates.flatMap((affiliate) => aliveAffiliate(affiliate, wallClockMs) ?? []);
  tally.expired += affiliates.length - alive.length;
  return { id, affiliates: alive };
}

function aliveAffiliate(
  affiliate: AffiliateSnapshot,
  wallClockMs: number,
): JournalAffiliate | undefined {
  const ttlMs = timeLeftMs(affiliate, wallClockMs);
  if (ttlMs === undefined) return undefined;
  const endpoints = affiliate.endpoints.flatMap((endpoint) => {
    const endpointTtlMs = timeLeftMs(endpoint, wallClockMs);
    return endpointTtlMs === undefined ? [] : { data: endpoint.data, ttlMs: endpointTtlMs };
  });
  return { id: affiliate.id, data: affiliate.data, ttlMs, endpoints };
}

/** @returns `undefined` where nothing is left. */
function timeLeftMs(
  kept: Parameters<typeof snapshotTimeLeftMs>[0],
  wallClockMs: number,
): number | undefined {
  const leftMs = snapshotTimeLeftMs(kept, wallClockMs);
  if (leftMs === undefined || leftMs < 0) return undefined;
  // A remaining time of 0 seconds was a part of a second before it was cut: alive, if only just.
  return Math.max(leftMs, 1);
}
