/**
 * Where everything that happens in `serve` is told: the log, and metrics where they are asked for.
 * @module
 */
import type { SnapshotLoadReport, SnapshotReport, TlsReload } from "../../node/index.ts";
import type { RegistryObservers } from "../../registry/index.ts";
import type { Pages, ServerHooks } from "../../server/index.ts";
import { VERSION } from "../version.ts";
import type { Log } from "./log.ts";
import { createMetrics, type MetricsSources } from "./metrics/metrics.ts";
import {
  createConnectionLimitLog,
  logCall,
  logSnapshotLoad,
  logTlsReload,
  snapshotSaveLogger,
} from "./serve-log.ts";

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
}

/** Makes the reports. Without metrics nothing is counted, and costs nothing. */
export function createServeReports(log: Log, hasMetrics: boolean): ServeReports {
  const logRefusal = createConnectionLimitLog(log);
  const logSave = snapshotSaveLogger(log);
  if (!hasMetrics) {
    return {
      hooks: { onCallEnd: (report) => logCall(log, report), onRefused: logRefusal },
      observers: {},
      onSnapshotLoad: (report) => logSnapshotLoad(log, report),
      onSnapshotSave: logSave,
      onTlsReload: (result) => logTlsReload(log, result),
      metricsPages: undefined,
      attach: () => {},
    };
  }
  const metrics = createMetrics({ version: VERSION });
  return {
    hooks: {
      ...metrics.hooks,
      onCallEnd(report) {
        metrics.hooks.onCallEnd(report);
        logCall(log, report);
      },
      onRefused(reason) {
        metrics.hooks.onRefused(reason);
        logRefusal(reason);
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
  };
}
