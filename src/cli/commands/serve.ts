/**
 * `serve`: runs the discovery service.
 * @module
 */
import { createSecureContext } from "node:tls";
import { serve } from "../../node/index.ts";
import type { CallReport } from "../../server/call-report.ts";
import { type AddCommand, examples, type Invocation } from "../command.ts";
import { readConfigFile } from "../config-file.ts";
import { EXIT_OK, type ExitCode, oneLine, UsageError } from "../exit.ts";
import { parseDuration } from "../flag-values.ts";
import type { Flags } from "../flags.ts";
import { readInputFile } from "../input-file.ts";
import { writeNotice } from "../io.ts";
import { createLog, type Log } from "../log.ts";
import { printConfig } from "../print-config.ts";
import { addServeFlags, isSetting } from "../serve-flags.ts";
import { readServeSettings, type TlsPaths } from "../serve-settings.ts";

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
        "SIGINT or SIGTERM stops it in order; a second one ends it at once.",
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
  const log = createLog(io.stderr, { format: settings.logFormat, debug: settings.debug });
  const tls = settings.tls && (await readCredentials(settings.tls));
  if (io.signal.aborted) return EXIT_OK;
  await using server = await serve({
    ...settings.listen,
    tls,
    redirectEndpoint: settings.redirectEndpoint,
    trustedProxies: settings.trustedProxies,
    shutdownGraceMs: settings.shutdownTimeoutMs,
    hooks: { onCallEnd: (report) => logCall(log, report) },
  });
  io.stdout.write(`listening on ${tls ? "https" : "http"}://${authority(server)}\n`);
  log.info("serving", { url: server.url });
  await aborted(io.signal);
  log.info("stopping");
  await server.close();
  log.info("stopped");
  return EXIT_OK;
}

async function withConfigFile(flags: Flags): Promise<Flags> {
  const path = flags.text("config");
  if (path === undefined) return flags;
  const settings = flags.options().filter(isSetting);
  const kinds = new Map(settings.map((option) => [option.name(), option.kind]));
  return flags.withFile(await readConfigFile(path, kinds));
}

async function readCredentials({
  certificatePath,
  keyPath,
}: TlsPaths): Promise<{ cert: string; key: string }> {
  const credentials = {
    cert: await readInputFile(certificatePath),
    key: await readInputFile(keyPath),
  };
  try {
    createSecureContext(credentials);
  } catch (error) {
    const reason = (error as { reason?: string }).reason ?? "unreadable";
    throw new UsageError(
      `${certificatePath}, ${keyPath}: no PEM certificate with its key (${reason})`,
      { cause: error },
    );
  }
  return credentials;
}

function authority({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function logCall(log: Log, report: CallReport): void {
  const fields = {
    // Seconds, to the microsecond.
    duration: Math.round(report.durationMs * 1000) / 1_000_000,
    code: report.code,
    // That a caller hung up is how every watch ends, and needs no explanation.
    error:
      report.error === undefined || report.code === "Canceled" ? undefined : oneLine(report.error),
    "peer.address": report.clientAddress,
    cluster_id: report.clusterId,
    affiliate_id: report.affiliateId,
    client_version: report.clientVersion,
  };
  const isOurFault = report.code === "Internal" || report.code === "Unknown";
  log[isOurFault ? "error" : "debug"](`/sidero.discovery.server.Cluster/${report.method}`, fields);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
