/**
 * One run of the service: from its registry and its port to an orderly end.
 * @module
 */
import { untilAborted } from "../../async/waits.ts";
import { isDiscoveryError } from "../../errors.ts";
import { hostPort } from "../../net/host-port.ts";
import {
  type ClusterAllowList,
  createRunningClock,
  type DiscoveryServer,
  openSnapshotRegistry,
  type PagesAddress,
  serve,
  watchClusterAllowList,
} from "../../node/index.ts";
import { MemoryBudget } from "../../registry/memory-budget.ts";
import { MemoryRegistry } from "../../registry/memory-registry.ts";
import { processBytes } from "../../server/limits/memory-costs.ts";
import { EXIT_FAILED, EXIT_OK, type ExitCode, oneLine } from "../exit.ts";
import type { CliIo } from "../io.ts";
import { createLog, type Log } from "./log.ts";
import { logMemory } from "./memory-ceilings.ts";
import { createServeReports, logAllowList, type ServeReports } from "./serve-reports.ts";
import type { PagesSettings, ServeSettings } from "./serve-settings.ts";

/** A registry, the memory that it shares with what serves it, and its end. */
interface ServeState {
  readonly registry: MemoryRegistry;
  readonly memory: MemoryBudget;
  /** What is wrong although the service does its work. */
  readonly warning: () => string | undefined;
  /** Saves, if there is a file. @throws {DiscoveryError} `ERR_SNAPSHOT_NOT_SAVED` */
  close(): Promise<void>;
}

/**
 * Serves until the signal of `io` aborts.
 *
 * @returns `EXIT_FAILED` if the last save failed; the log says why.
 */
export async function runService(settings: ServeSettings, io: CliIo): Promise<ExitCode> {
  const log = createLog(io.stderr, settings.log);
  const reports = createServeReports(log, settings.metrics !== undefined);
  const state = await openServeState(settings, reports);
  // If it cannot listen, nothing is saved: the file may be that of the process that has the port.
  if (!io.signal.aborted) await serveUntilStopped(settings, state, { reports, log, io });
  reports.flush();
  return (await closeState(state)) ? EXIT_OK : EXIT_FAILED;
}

/** Opens the registry, with what its file has kept. */
async function openServeState(
  { snapshot, limits, shares, memory: { maxBytes } }: ServeSettings,
  reports: ServeReports,
): Promise<ServeState> {
  const memory = new MemoryBudget({ maxBytes });
  memory.add("process", processBytes(maxBytes));
  const options = { limits, shares, memory, ...reports.observers };
  if (snapshot === undefined) {
    const clock = createRunningClock();
    const registry = new MemoryRegistry({ ...options, now: clock.now });
    return {
      registry,
      memory,
      warning: () => undefined,
      close: () => registry.close().finally(clock.stop),
    };
  }
  const kept = await openSnapshotRegistry({
    ...options,
    ...snapshot,
    onLoad: reports.onSnapshotLoad,
    onSave: reports.onSnapshotSave,
  });
  return {
    registry: kept.registry,
    memory,
    warning: () => kept.saveFailure && `snapshot not saved: ${kept.saveFailure}`,
    close: kept.close,
  };
}

async function serveUntilStopped(
  settings: ServeSettings,
  { registry, memory, warning }: ServeState,
  { reports, log, io }: { readonly reports: ServeReports; readonly log: Log; readonly io: CliIo },
): Promise<void> {
  const { landing, metrics } = settings;
  const { metricsPages } = reports;
  const allowList = await openAllowList(settings, log);
  await using server = await serve({
    ...settings.serve,
    registry,
    memory,
    warning,
    onTlsReload: reports.onTlsReload,
    allowCluster: allowList && ((clusterId) => allowList.allows(clusterId)),
    landing: landing && pagesAddress("landing", landing, log),
    metrics: metrics &&
      metricsPages && { ...pagesAddress("metrics", metrics, log), pages: metricsPages },
    hooks: reports.hooks,
  });
  reports.attach({ registry, memory, tls: () => server.tls });
  const stopReloading = io.onReload(() => void reload(server, allowList, log));
  io.stdout.write(
    `listening on ${server.tls ? "https" : "http"}://${hostPort(server.host, server.port)}\n`,
  );
  logMemory(log, settings);
  log.info("serving", {
    url: server.url,
    landing: server.landing?.url,
    metrics: server.metrics?.url,
  });
  try {
    await untilAborted(io.signal);
  } finally {
    stopReloading();
    allowList?.close();
  }
  log.info("stopping");
  await server.close();
  log.info("stopped");
}

function pagesAddress(
  name: string,
  { isDefault, ...address }: PagesSettings,
  log: Log,
): PagesAddress {
  if (!isDefault) return address;
  const onUnavailable = (error: unknown) =>
    log.warn(`no ${name} page: set --${name}-addr`, { error: oneLine(error) });
  return { ...address, onUnavailable };
}

/** What is watched is looked at now, for those who cannot wait. */
async function reload(
  server: DiscoveryServer,
  allowList: ClusterAllowList | undefined,
  log: Log,
): Promise<void> {
  log.info("looking at files again");
  await Promise.all([server.reloadTls(), allowList?.look()]);
}

async function openAllowList(
  { clusterAllowList }: ServeSettings,
  log: Log,
): Promise<ClusterAllowList | undefined> {
  if (clusterAllowList === undefined) return undefined;
  return watchClusterAllowList(clusterAllowList, {
    onReload: (change) => logAllowList(log, change),
    onError: (error) =>
      log.error("new allow list refused, the old one stays", { error: oneLine(error) }),
  });
}

/** @returns Whether everything is saved. If not, the log says why. */
async function closeState(state: ServeState): Promise<boolean> {
  try {
    await state.close();
    return true;
  } catch (error) {
    if (isDiscoveryError(error) && error.code === "ERR_SNAPSHOT_NOT_SAVED") return false;
    throw error;
  }
}
