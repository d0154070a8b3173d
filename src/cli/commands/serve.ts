/**
 * `serve`: runs the discovery service.
 * @module
 */
import { createSecureContext } from "node:tls";
import { parseRedirectEndpoint, parseServiceUrl } from "../../client/service-url.ts";
import { serve } from "../../node/index.ts";
import type { CallReport } from "../../server/call-report.ts";
import { parseTrustedProxies } from "../../server/client-address.ts";
import { type AddCommand, examples, type Invocation } from "../command.ts";
import { EXIT_OK, type ExitCode, oneLine, UsageError } from "../exit.ts";
import { choiceOf, parseListenAddress } from "../flag-values.ts";
import { type Flags, flag, listFlag } from "../flags.ts";
import { readInputFile } from "../input-file.ts";
import { createLog, LOG_FORMATS, type Log } from "../log.ts";

/** Adds `serve`. */
export const addServeCommand: AddCommand = (parent, action) => {
  parent
    .command("serve")
    .description(
      "Run the discovery service: gRPC, gRPC-Web and Connect on one port. It sees sealed data only.",
    )
    .addOption(flag("--addr <host:port>", "where to listen; :PORT is all addresses", ":3000"))
    .addOption(flag("--certificate-path <file>", "PEM certificate chain, for TLS"))
    .addOption(flag("--key-path <file>", "PEM key of the certificate"))
    .addOption(flag("--redirect-endpoint <host:port>", "send clients to another service"))
    .addOption(
      listFlag(
        "--trusted-proxies <cidr>",
        "proxies whose X-Real-IP and X-Forwarded-For are believed",
      ),
    )
    .addOption(flag("--log-format <format>", LOG_FORMATS.join(", "), "text"))
    .addOption(flag("--debug", "log every call"))
    .addHelpText(
      "after",
      examples(
        "talos-discovery serve",
        "talos-discovery serve --addr 127.0.0.1:3000 --debug",
        "talos-discovery serve --addr :443 --certificate-path tls.crt --key-path tls.key",
        "talos-discovery serve --trusted-proxies 10.0.0.0/8,fd00::/8",
      ) +
        "\nFlags may have one dash, and values after =, as in command lines of the Go service.\n" +
        "SIGINT or SIGTERM stops it in order; a second one ends it at once.",
    )
    .action(action(runServe));
};

async function runServe({ flags, io }: Invocation): Promise<ExitCode> {
  const { host, port } = flags.parsed("addr", parseListenAddress) ?? { port: undefined };
  const log = createLog(io.stderr, {
    format: flags.parsed("log-format", choiceOf(LOG_FORMATS)) ?? "text",
    debug: flags.isOn("debug"),
  });
  const redirectEndpoint = flags.parsed("redirect-endpoint", checkRedirectEndpoint);
  const trustedProxies = flags.parsedList("trusted-proxies", checkTrustedProxy);
  const tls = await readCredentials(flags);
  if (io.signal.aborted) return EXIT_OK;
  await using server = await serve({
    host,
    port,
    tls,
    redirectEndpoint,
    trustedProxies,
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

function checkRedirectEndpoint(text: string): string {
  parseRedirectEndpoint(text, parseServiceUrl("https://localhost/"));
  return text;
}

function checkTrustedProxy(text: string): string {
  parseTrustedProxies([text]);
  return text;
}

async function readCredentials(flags: Flags): Promise<{ cert: string; key: string } | undefined> {
  const certificatePath = flags.text("certificate-path");
  const keyPath = flags.text("key-path");
  if (certificatePath === undefined && keyPath === undefined) return undefined;
  if (certificatePath === undefined || keyPath === undefined) {
    throw new UsageError("--certificate-path and --key-path: one is missing");
  }
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
