/**
 * What became of loads and saves of the snapshot file, as metrics.
 * @module
 */
import type { Registry as MetricRegistry } from "prom-client";
import type { SnapshotReport } from "../../../node/index.ts";
import { exposeCounter, exposeGauge, type Sample } from "./exposed-metric.ts";

/** Counts loads and saves, and keeps the last of each that worked. */
export class SnapshotCounts {
  readonly operations: Map<string, { readonly labels: Sample[0]; count: number }> = new Map();
  readonly last: Map<SnapshotReport["operation"], SnapshotReport> = new Map();
  /**
   * When the last save that worked ended, or there was nothing newer than the file yet, in ms since
   * 1970.
   */
  currentAt: number | undefined;
  hasSaveFailed = false;

  add(report: SnapshotReport, now: number): void {
    const { operation, status } = report;
    if (operation === "save") this.hasSaveFailed = status === "error";
    // Also a load that failed: what is not saved from then on is lost by a restart.
    if (operation === "load" || status === "success") this.currentAt = now;
    const key = `${operation} ${status}`;
    const known = this.operations.get(key);
    if (known === undefined) {
      this.operations.set(key, { labels: { operation, status }, count: 1 });
    } else {
      known.count++;
    }
    if (status === "success") this.last.set(operation, report);
  }
}

/** Exposes them. */
export function exposeStorage(
  metrics: MetricRegistry,
  snapshots: SnapshotCounts,
  now: () => number,
): void {
  exposeCounter(metrics, {
    name: "discovery_storage_operations_total",
    help: "Loads and saves of the snapshot file.",
    labels: ["operation", "status"],
    read: () => Array.from(snapshots.operations.values(), ({ labels, count }) => [labels, count]),
  });
  const gauges: readonly (readonly [string, string, (report: SnapshotReport) => number])[] = [
    ["last_snapshot_size_bytes", "Size of the snapshot file", ({ bytes }) => bytes],
    ["last_operation_clusters", "Clusters", ({ clusters }) => clusters],
    ["last_operation_affiliates", "Affiliates", ({ affiliates }) => affiliates],
    ["last_operation_endpoints", "Endpoints", ({ endpoints }) => endpoints],
    ["last_operation_duration_seconds", "Seconds taken", ({ durationMs }) => durationMs / 1000],
  ];
  for (const [name, what, read] of gauges) {
    exposeGauge(metrics, {
      name: `discovery_storage_${name}`,
      help: `${what}, of the last load and the last save that worked.`,
      labels: ["operation"],
      read: () =>
        Array.from(snapshots.last, ([operation, report]) => [{ operation }, read(report)]),
    });
  }
  exposeGauge(metrics, {
    name: "discovery_storage_last_save_failed",
    help: "1 if the last save failed, else 0; saves are tried again until one works.",
    read: () => {
      const { currentAt, hasSaveFailed } = snapshots;
      return currentAt === undefined && !hasSaveFailed ? [] : [[{}, hasSaveFailed ? 1 : 0]];
    },
  });
  exposeGauge(metrics, {
    name: "discovery_storage_snapshot_age_seconds",
    help: "Time since the last save that worked, or since the load at the start.",
    read: () => {
      const { currentAt } = snapshots;
      return currentAt === undefined ? [] : [[{}, (now() - currentAt) / 1000]];
    },
  });
}
