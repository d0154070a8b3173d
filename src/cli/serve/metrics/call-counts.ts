/**
 * Counts of calls, in plain numbers: a call adds to a few of them, and everything else is done when
 * they are read.
 * @module
 */
import {
  type CallReport,
  type ClusterMethod,
  REFUSAL_REASONS,
  type RefusalReason,
  type RpcCode,
  refusalReason,
  type ServerHooks,
} from "../../../server/index.ts";
import { Buckets } from "./exposed-metric.ts";

/** Every method, and what gRPC calls its kind in metrics. */
export const METHOD_TYPES: Readonly<Record<ClusterMethod, "unary" | "server_stream">> = {
  AffiliateDelete: "unary",
  AffiliateUpdate: "unary",
  Hello: "unary",
  List: "unary",
  Watch: "server_stream",
};

/** Every status, with its number in gRPC as its place. */
const RPC_CODES = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
] as const satisfies readonly RpcCode[];

/** Upper ends in seconds, as in the reference. */
const HANDLING_SECONDS = [0.01, 0.1, 0.25, 0.5, 1, 2.5];

/**
 * Talos has a dozen versions in use at a time. When callers invent more than fit, the version that
 * is counted least makes room for a new one: real versions are counted with every connection.
 */
const MAX_VERSIONS = 100;

/** Label of everything that is not a version. */
const UNKNOWN_VERSION = "unknown";

/** What is known of one method. */
export class MethodCounts {
  started = 0;
  sent = 0;
  readonly handled: Record<RpcCode, number> = Object.fromEntries(
    RPC_CODES.map((code) => [code, 0]),
  ) as Record<RpcCode, number>;
  readonly handlingSeconds: Buckets = new Buckets(HANDLING_SECONDS);
}

/** Counts what the hooks of a server tell. */
export class CallCounts {
  readonly methods: Readonly<Record<ClusterMethod, MethodCounts>> = {
    AffiliateDelete: new MethodCounts(),
    AffiliateUpdate: new MethodCounts(),
    Hello: new MethodCounts(),
    List: new MethodCounts(),
    Watch: new MethodCounts(),
  };
  readonly paths: Record<CallReport["path"], number> = { fast: 0, slow: 0 };
  readonly refusals: Record<RefusalReason, number> = Object.fromEntries(
    REFUSAL_REASONS.map((reason) => [reason, 0]),
  ) as Record<RefusalReason, number>;
  /** Those counted last stand last. */
  readonly versions: Map<string, number> = new Map([[UNKNOWN_VERSION, 0]]);

  readonly hooks: Required<ServerHooks> = {
    onCallStart: (method) => {
      this.methods[method].started++;
    },
    onMessageSent: (method) => {
      this.methods[method].sent++;
    },
    onCallEnd: (report) => this.#ended(report),
    onRefused: (reason) => {
      this.refusals[reason]++;
    },
  };

  #ended(report: CallReport): void {
    const counts = this.methods[report.method];
    // A watch lasts until its caller has had enough: that it ends so is no failure. The reference
    // counts it so too.
    const isWatchLeft = report.code === "Canceled" && report.method === "Watch";
    counts.handled[isWatchLeft ? "OK" : report.code]++;
    counts.handlingSeconds.observe(report.durationMs / 1000);
    this.paths[report.path]++;
    if (report.method === "Hello") this.#helloFrom(report.clientVersion);
    if (report.error === undefined) return;
    const reason = refusalReason(report.error);
    if (reason !== undefined) this.refusals[reason]++;
  }

  #helloFrom(clientVersion: string | undefined): void {
    const label = clientVersionLabel(clientVersion ?? "");
    const count = this.versions.get(label);
    if (count === undefined && this.versions.size >= MAX_VERSIONS) this.#dropRarestVersion();
    this.versions.delete(label);
    this.versions.set(label, (count ?? 0) + 1);
  }

  /** Its calls are counted as unknown from now on, so that the sum stays. */
  #dropRarestVersion(): void {
    let rarest: string | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    for (const [label, count] of this.versions) {
      // Of several, the one that was counted the longest time ago.
      if (label === UNKNOWN_VERSION || count >= fewest) continue;
      rarest = label;
      fewest = count;
    }
    if (rarest === undefined) return;
    this.versions.delete(rarest);
    this.versions.set(UNKNOWN_VERSION, (this.versions.get(UNKNOWN_VERSION) ?? 0) + fewest);
  }
}

/**
 * A client's version as the metric shows it, so that there are few labels whatever callers send:
 * `v1.8.3` is `v1.8`, `v1.9.0-alpha.1` is `v1.9-pre`, anything else is `unknown`.
 *
 * @param version - Unchecked text from a caller.
 * @see docs/protocol.md, "What the server does"
 */
export function clientVersionLabel(version: string): string {
  const match = /^v(\d{1,3})\.(\d{1,3})\.\d{1,9}($|[-+])/.exec(version);
  if (match === null) return UNKNOWN_VERSION;
  const [, major, minor, suffix] = match;
  return `v${major}.${minor}${suffix === "" ? "" : "-pre"}`;
}
