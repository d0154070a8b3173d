/**
 * What became of a load or a save of the snapshot file: for metrics and for people.
 * @module
 */
import type { DiscoveryError } from "../../errors.ts";

/** One load or save. The numbers are what the reference's `discovery_storage_*` metrics show. */
export interface SnapshotReport {
  readonly operation: "load" | "save";
  readonly status: "success" | "error";
  /** The file, as it was named. */
  readonly path: string;
  /** Clusters, affiliates and endpoints that were loaded or written. */
  readonly clusters: number;
  readonly affiliates: number;
  readonly endpoints: number;
  /** Bytes that were read or written. */
  readonly bytes: number;
  readonly durationMs: number;
  /** `ERR_SNAPSHOT_NOT_SAVED`, `ERR_SNAPSHOT_MALFORMED` or `ERR_FILE_UNREADABLE`. */
  readonly error?: DiscoveryError | undefined;
}

/** One load. A missing file is a success with nothing in it. */
export interface SnapshotLoadReport extends SnapshotReport {
  readonly isMissing: boolean;
  /** Affiliates that had no time left, by the instants of an older file. */
  readonly expired: number;
  /** Affiliates that are over the registry's limits. */
  readonly refused: number;
  /** Bytes after the last good entry, where an error ended the load. */
  readonly unreadBytes: number;
}

/**
 * A load in one line: what was kept and what was dropped. A warning where something was dropped or
 * the file could not be read, else news.
 */
export function describeSnapshotLoad(report: SnapshotLoadReport): {
  readonly level: "info" | "warn";
  readonly message: string;
} {
  const { path, error, isMissing, expired, refused, unreadBytes } = report;
  if (isMissing) return { level: "info", message: `no snapshot at ${path} yet` };
  const dropped = [
    ...(expired > 0 ? [`${count(expired, "affiliate")} whose time was over`] : []),
    ...(refused > 0 ? [`${count(refused, "affiliate")} over the limits`] : []),
    ...(unreadBytes > 0 ? [`the last ${count(unreadBytes, "byte")}`] : []),
  ];
  const droppedText = dropped.length > 0 ? `, dropped ${dropped.join(" and ")}` : "";
  const what = `kept ${contents(report)}${droppedText}`;
  if (error !== undefined) {
    return { level: "warn", message: `snapshot not loaded whole: ${error.message}; ${what}` };
  }
  return { level: refused > 0 ? "warn" : "info", message: `snapshot ${path} loaded: ${what}` };
}

/** A save in one line. */
export function describeSnapshotSave(report: SnapshotReport): {
  readonly level: "info" | "warn";
  readonly message: string;
} {
  const { path, error, bytes } = report;
  if (error !== undefined) return { level: "warn", message: error.message };
  const message = `snapshot ${path} saved: ${contents(report)}, ${count(bytes, "byte")}`;
  return { level: "info", message };
}

function contents({ clusters, affiliates, endpoints }: SnapshotReport): string {
  return [
    count(clusters, "cluster"),
    count(affiliates, "affiliate"),
    count(endpoints, "endpoint"),
  ].join(", ");
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
