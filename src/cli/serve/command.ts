/**
 * `serve`: runs the discovery service.
 * @module
 */

import { untilAborted } from "../../async/waits.ts";
import { isDiscoveryError } from "../../errors.ts";
import { hostPort } from "../../net/host-port.ts";
import {
  type ClusterAllowList,
  type DiscoveryServer,
  type PagesAddress,
  serve,
  watchClusterAllowList,
} from "../../node/index.ts";
import { type AddCommand, examples, type Invocation } from "../command.ts";
import { EXIT_FAILED, EXIT_OK, type ExitCode, oneLine, UsageError } from "../exit.ts";
import { readConfigFile } from "../flags/config-file.ts";
import { parseDuration } from "../flags/flag-values.ts";
import type { Flags } from "../flags/flags.ts";
import { type CliIo, writeNotice } from "../io.ts";
import { createLog, type Log } from "./log.ts";
import { printConfig } from "./print-config.ts";
import { addServeFlags, isSetting } from "./serve-flags.ts";
import { logAllowList } from "./serve-log.ts";
import { createServeReports, type ServeReports } from "./serve-reports.ts";
import { type PagesSettings, readServeSettings, type ServeSettings } from "./serve-settings.ts";
import { openServeState, type ServeState } from "./serve-state.ts";

/** Adds `serve`. */
export const addServeCommand: AddCommand = (parent, action) => {
  const command = parent
    .command("serve")
    .description(
      "Run the discovery service: gRPC, gRPC-Web and Connect on one port. It sees sealed data only.",
    );
  addServeFlags(command);
  command
    .addHelpText(
      "after",
      examples(
        "talos-discovery serve",
        "talos-discovery serve --addr 127.0.0.1:3000 --debug",
        "talos-discovery serve --addr :443 --certificate-path tls.crt --key-path tls.key",
        "talos-discovery serve --trusted-proxies 10.0.0.0/8,fd00::/8",
        "talos-discovery serve --config serve.yaml --print-config",
      ) +
        "\nFlags may have one dash, and values after =, as in command lines of the Go service.\n" +
        "SIGINT or SIGTERM stops it in order; a second one ends it at once. SIGHUP reads files again now.",
    )
    .action(action(runServe));
};

async function runServe(invocation: Invocation): Promise<ExitCode> {
  const { io } = invocation;
  const flags = await withConfigFile(invocation.flags);
  const settings = readServeSettings(flags);
  if (flags.isOn("print-config")) {
    io.stdout.write(printConfig(flags, flags.options().filter(isSetting)));
    return EXIT_OK;
  }
  if (flags.parsed("gc-interval", parseDuration) !== undefined) {
    writeNotice(
      io,
      "--gc-interval has no effect: what expires is gone at once, not at an interval",
    );
  }
  const log = createLog(io.stderr, {
    format: settings.logFormat,
    level: settings.logLevel,
    showsClusterIds: settings.logClusterIds,
  });
  const reports = createServeReports(log, settings.metrics !== undefined);
  const state = await openServeState(settings, reports);
  // Where it cannot listen, nothing is saved: the file may be that of the process which has the port.
  if (!io.signal.aborted) await serveUntilStopped(settings, state, { reports, log, io });
  return (await closeState(state)) ? EXIT_OK : EXIT_FAILED;
}

async function serveUntilStopped(
  settings: ServeSettings,
  { registry }: ServeState,
  { reports, log, io }: { readonly reports: ServeReports; readonly log: Log; readonly io: CliIo },
): Promise<void> {
  const { metricsPages } = reports;
  const allowList = await openAllowList(settings, log);
  await using server = await serve({
    ...settings.listen,
    registry,
    tls: settings.tls,
    onTlsReload: reports.onTlsReload,
    allowCluster: allowList && ((clusterId) => allowList.allows(clusterId)),
    redirectEndpoint: settings.redirectEndpoint,
    trustedProxies: settings.trustedProxies,
    trustXRealIp: settings.trustXRealIp,
    trustFirstXForwardedFor: settings.trustFirstXForwardedFor,
    reportClientIp: settings.reportClientIp,
    rateLimit: settings.rateLimit,
    ceilings: settings.ceilings,
    maxRequestBytes: settings.maxRequestBytes,
    connections: settings.connections,
    connectTimeoutMs: settings.connectTimeoutMs,
    landing: settings.landing && pagesAddress("landing", settings.landing, log),
    metrics: settings.metrics &&
      metricsPages && { ...pagesAddress("metrics", settings.metrics, log), pages: metricsPages },
    shutdownTimeoutMs: settings.shutdownTimeoutMs,
    hooks: reports.hooks,
  });
  reports.attach({ registry, tls: () => server.tls });
  const stopReloading = io.onReload(() => void reload(server, allowList, log));
  io.stdout.write(
    `listening on ${server.tls ? "https" : "http"}://${hostPort(server.host, server.port)}\n`,
  );
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
  { allowListPath }: ServeSettings,
  log: Log,
): Promise<ClusterAllowList | undefined> {
  if (allowListPath === undefined) return undefined;
  return watchClusterAllowList(allowListPath, {
    onReload: (change) => logAllowList(log, change),
    onError: (error) =>
      log.error("new allow list refused, the old one stays", { error: oneLine(error) }),
  });
}

/** @returns Whether nothing is lost. The log has said why not. */
async function closeState(state: ServeState): Promise<boolean> {
  try {
    await state.close();
    return true;
  } catch (error) {
    if (isDiscoveryError(error) && error.code === "ERR_SNAPSHOT_NOT_SAVED") return false;
    throw error;
  }
}

async function withConfigFile(flags: Flags): Promise<Flags> {
  const path = flags.text("config");
  if (path === undefined) return flags;
  const settings = flags.options().filter(isSetting);
  const kinds = new Map(settings.map((option) => [option.name(), option.kind]));
  try {
    return flags.withFile(await readConfigFile(path, kinds));
  } catch (error) {
    // To other commands the variable means a Talos configuration.
    if (flags.isGiven("config")) throw error;
    throw new UsageError(`${flags.origin("config")}: ${oneLine(error)}`, { cause: error });
  }
}
