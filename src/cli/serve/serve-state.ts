/**
 * The registry that `serve` serves: in memory, with a file over restarts unless told otherwise.
 * @module
 */
import { createRunningClock, openSnapshotRegistry } from "../../node/index.ts";
import { MemoryRegistry } from "../../registry/memory-registry.ts";
import type { ServeReports } from "./serve-reports.ts";
import type { ServeSettings } from "./serve-settings.ts";

/** A registry and its end. */
export interface ServeState {
  readonly registry: MemoryRegistry;
  /** Saves, where there is a file. @throws {DiscoveryError} `ERR_SNAPSHOT_NOT_SAVED` */
  close(): Promise<void>;
}

/** Opens the registry, with what its file has kept. */
export async function openServeState(
  { snapshot, limits, shutdownTimeoutMs }: ServeSettings,
  reports: ServeReports,
): Promise<ServeState> {
  const options = { limits, ...reports.observers };
  if (snapshot === undefined) {
    const clock = createRunningClock();
    const registry = new MemoryRegistry({ ...options, now: clock.now });
    return { registry, close: () => registry.close().finally(clock.stop) };
  }
  const kept = await openSnapshotRegistry({
    ...options,
    ...snapshot,
    closeLimitMs: shutdownTimeoutMs,
    onLoad: reports.onSnapshotLoad,
    onSave: reports.onSnapshotSave,
  });
  return { registry: kept.registry, close: kept.close };
}
