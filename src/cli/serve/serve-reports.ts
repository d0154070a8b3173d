/**
 * Where everything that happens in `serve` is told: the log, and metrics where they are asked for.
 * @module
 */

import { quote } from "../../net/quote.ts";
import {
  type AllowListChange,
  describeSnapshotLoad,
  describeSnapshotSave,
  type SnapshotLoadReport,
  type SnapshotReport,
  type TlsReload,
} from "../../node/index.ts";
import type { RegistryObservers } from "../../registry/index.ts";
import type { Pages, ServerHooks } from "../../server/index.ts";
import type { CallReport } from "../../server/rpc/call-report.ts";
import { refusalReason } from "../../server/rpc/refusal-reason.ts";
import { oneLine } from "../exit.ts";
import { VERSION } from "../version.ts";
import type { Log } from "./log.ts";
import { createMetrics, type MetricsSources } from "./metrics/metrics.ts";
import { createRefusalLog } from "./refusal-log.ts";
import { SharedAddress } from "./shared-address.ts";

/** What the parts of a service tell it to. */
export interface ServeReports {
  readonly hooks: ServerHooks;
  readonly observers: RegistryObservers;
  readonly onSnapshotLoad: (report: SnapshotLoadReport) => void;
  readonly onSnapshotSave: (report: SnapshotReport) => void;
  readonly onTlsReload: (result: TlsReload) => void;
  /** `/metrics`, where there are metrics. */
  readonly metricsPages: Pages | undefined;
  /** Begins to read what nobody tells. */
  readonly attach: (sources: MetricsSources) => void;
  /** Logs what waits to be logged together, at the end. */
  readonly flush: () => void;
}

/** Makes the reports. Without metrics nothing is counted, and costs nothing. */
export function createServeReports(log: Log, hasMetrics: boolean): ServeReports {
  const refusals = createRefusalLog(log);
  const logCorsOrigin = createCorsOriginLog(log);
  const sharedAddress = new SharedAddress();
  const logSave = snapshotSaveLogger(log);
  function onCallEnd(report: CallReport): void {
    logCall(log, report);
    const reason = report.error === undefined ? undefined : refusalReason(report.error);
    if (reason !== undefined) refusals.add(reason, report.clientAddress);
    const address = sharedAddress.observe(report);
    if (address !== undefined) logSharedAddress(log, address);
  }
  const onRefused: NonNullable<ServerHooks["onRefused"]> = (reason, details) => {
    refusals.add(reason, details?.clientAddress);
    logCorsOrigin(reason, details);
  };
  if (!hasMetrics) {
    return {
      hooks: { onCallEnd, onRefused },
      observers: {},
      onSnapshotLoad: (report) => logSnapshotLoad(log, report),
      onSnapshotSave: logSave,
      onTlsReload: (result) => logTlsReload(log, result),
      metricsPages: undefined,
      attach: () => {},
      flush: refusals.flush,
    };
  }
  const metrics = createMetrics({ version: VERSION });
  return {
    hooks: {
      ...metrics.hooks,
      onCallEnd(report) {
        metrics.hooks.onCallEnd(report);
        onCallEnd(report);
      },
      onRefused(reason, details) {
        metrics.hooks.onRefused(reason);
        onRefused(reason, details);
      },
    },
    observers: metrics.observers,
    onSnapshotLoad(report) {
      metrics.onSnapshot(report);
      logSnapshotLoad(log, report);
    },
    onSnapshotSave(report) {
      metrics.onSnapshot(report);
      logSave(report);
    },
    onTlsReload(result) {
      metrics.onTlsReload(result);
      logTlsReload(log, result);
    },
    metricsPages: metrics.pages,
    attach: metrics.attach,
    flush: refusals.flush,
  };
}

/**
 * One call, at its end: debug, unless the failure is ours. Costs next to nothing where it is not
 * written.
 */
function logCall(log: Log, report: CallReport): void {
  const isOurFault = report.code === "Internal" || report.code === "Unknown";
  const level = isOurFault ? "error" : "debug";
  if (!log.isOn(level)) return;
  log[level](`/sidero.discovery.server.Cluster/${report.method}`, {
    // Seconds, to the microsecond.
    duration: Math.round(report.durationMs * 1000) / 1_000_000,
    code: report.code,
    // That a caller hung up is how every watch ends, and needs no explanation.
    error:
      report.error === undefined || report.code === "Canceled" ? undefined : oneLine(report.error),
    "peer.address": report.clientAddress,
    cluster_id: log.clusterId(report.clusterId),
    affiliate_id: report.affiliateId,
    client_version: report.clientVersion,
  });
}

/** A change of the certificate files. */
function logTlsReload(log: Log, result: TlsReload): void {
  const inForce = { subject: result.subject, not_after: result.notAfter.toISOString() };
  if (result.ok) log.info("certificate replaced", inForce);
  else
    log.error("new certificate refused, the old one stays", {
      error: oneLine(result.error),
      ...inForce,
    });
}

/** A change of the allow list. */
export function logAllowList(log: Log, { clusters, added, removed }: AllowListChange): void {
  log.info("allow list replaced", { clusters, added, removed });
}

/** The load at the start. */
function logSnapshotLoad(log: Log, report: SnapshotLoadReport): void {
  const { level, message } = describeSnapshotLoad(report);
  log[level](message);
}

/**
 * Makes the logger of saves. One that fails is told of once, until the reason changes or a save
 * works again: it is tried every half minute. Saves that work are for debugging.
 */
function snapshotSaveLogger(log: Log): (report: SnapshotReport) => void {
  let failure: string | undefined;
  return (report) => {
    const { level, message } = describeSnapshotSave(report);
    const last = failure;
    failure = report.error === undefined ? undefined : message;
    if (failure === undefined) log[last === undefined ? "debug" : "info"](message);
    else if (failure !== last) log[level](message);
  };
}

/**
 * Makes a hook that warns at the first web page of an origin that is not allowed, and never again:
 * any page can send any number of requests.
 */
export function createCorsOriginLog(log: Log): NonNullable<ServerHooks["onRefused"]> {
  let isLogged = false;
  return (reason, { origin = "" } = {}) => {
    if (reason !== "cors_origin" || isLogged) return;
    isLogged = true;
    log.warn(
      `a web page of origin ${quote(origin)} was refused: set --cors-origin to allow an origin; ` +
        "further refusals are only counted",
    );
  };
}

/** What it means that nodes have one private address. Once in a process. */
function logSharedAddress(log: Log, address: string): void {
  log.warn(
    "most nodes have the same private address, so NAT, kube-proxy or a proxy hides theirs: " +
      "they share rate limits and shares; set externalTrafficPolicy: Local or --trusted-proxies",
    { "peer.address": address },
  );
}
