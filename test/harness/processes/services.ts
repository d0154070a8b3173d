/**
 * Discovery services as real processes: the reference's and ours, behind one shape.
 * @module
 */
import { resolve } from "node:path";
import { inject } from "vitest";
import { unusedPort } from "../net/unused-port.ts";
import { OUR_CLI } from "../paths.ts";
import { LineProcess } from "./line-process.ts";

export const SERVICE_KINDS = ["go", "ts"] as const;
export type ServiceKind = (typeof SERVICE_KINDS)[number];

/** How often the reference looks for what has expired. Ours needs no telling. */
export const GO_SWEEP_INTERVAL_MS = 500;

export interface CertificateFiles {
  readonly certificatePath: string;
  readonly keyPath: string;
}

export interface ServiceOptions {
  /** Empty for all addresses, IPv6 and IPv4. @default "127.0.0.1" */
  readonly host?: string;
  /** @default an unused one */
  readonly port?: number;
  /** `host:port` to which callers are sent. */
  readonly redirect?: string;
  /** `true` for the certificate of the test run, or the service's own. @default false */
  readonly tls?: boolean | CertificateFiles;
  /** The snapshot file. @default none is kept */
  readonly snapshotPath?: string;
  /** Where it serves metrics on loopback. @default nowhere */
  readonly metricsPort?: number;
  /** More of our flags. */
  readonly flags?: readonly string[];
  /** A program that runs ours with its own arguments before, in the same process: `["prlimit", "--nofile=64", "--"]`. */
  readonly through?: readonly string[];
  /** Added to the environment of ours. */
  readonly env?: Readonly<Record<string, string>>;
  /** Takes `X-Real-IP` and `X-Forwarded-For` from anybody on loopback, as the reference does by default. @default true */
  readonly trustRealIp?: boolean;
}

export interface Service {
  readonly kind: ServiceKind;
  readonly port: number;
  /** `127.0.0.1:port`. */
  readonly endpoint: string;
  /** As a node is configured: `http://…` or `https://…`. */
  readonly url: string;
  readonly tls: boolean;
  readonly process: LineProcess<ServiceEvent>;
}

interface ServiceEvent {
  /** `IP:port`. */
  readonly address: string;
}

/** Lines that a service of ours may log before the first are forgotten. */
const KEPT_DIAGNOSTICS = 5000;

/** What ours writes and listens on by default would be shared by all services of a run. */
const DISTURBING_NOBODY = {
  TALOS_DISCOVERY_SNAPSHOTS_ENABLED: "false",
  TALOS_DISCOVERY_LANDING_ADDR: "off",
  TALOS_DISCOVERY_METRICS_ADDR: "off",
};

/** Where tests reach every service. */
const HOST = "127.0.0.1";

/** Starts a service on loopback and waits until it listens. */
export async function startService(
  kind: ServiceKind,
  options: ServiceOptions = {},
): Promise<Service> {
  const complete = { ...options, port: options.port ?? (await unusedPort()) };
  const process = kind === "go" ? startReference(complete) : startOurs(complete);
  try {
    const { address } = await process.until("listening", () => process.events[0]);
    const tls = (options.tls ?? false) !== false;
    const port = Number(address.slice(address.lastIndexOf(":") + 1));
    const endpoint = `${HOST}:${port}`;
    const url = `${tls ? "https" : "http"}://${endpoint}/`;
    return { kind, port, endpoint, url, tls, process };
  } catch (error) {
    await process.kill();
    throw error;
  }
}

function startReference(options: ServiceOptions): LineProcess<ServiceEvent> {
  const { trustRealIp = true } = options;
  const args = [
    ...commonFlags(options),
    "-landing-addr=",
    `-metrics-addr=${options.metricsPort === undefined ? "" : `${HOST}:${options.metricsPort}`}`,
    `-gc-interval=${GO_SWEEP_INTERVAL_MS}ms`,
    `-trust-x-real-ip=${trustRealIp}`,
    `-trust-first-x-forwarded-for=${trustRealIp}`,
  ];
  // It logs JSON lines; the one that names its address says that it listens.
  const pattern = /"msg":"API server starting","address":"([^"]+)"/;
  return new LineProcess("go service", inject("binaries").service, args, addressIn(pattern));
}

function startOurs(options: ServiceOptions): LineProcess<ServiceEvent> {
  const { through = [], flags = [], env = {}, trustRealIp = true } = options;
  const command = [...through, process.execPath, OUR_CLI, "serve", ...commonFlags(options)];
  if (trustRealIp) command.push("-trusted-proxies=127.0.0.0/8");
  if (options.metricsPort !== undefined) {
    command.push(`-metrics-addr=${HOST}:${options.metricsPort}`);
  }
  const [program = "", ...args] = [...command, ...flags];
  const pattern = /^listening on https?:\/\/(\S+)$/;
  return new LineProcess("ts service", program, args, addressIn(pattern), {
    env: { ...DISTURBING_NOBODY, ...env },
    keptDiagnostics: KEPT_DIAGNOSTICS,
  });
}

/** Ours takes the reference's flags, and in its way of writing them. */
function commonFlags(options: ServiceOptions): string[] {
  const { host = HOST, port, redirect, tls, snapshotPath } = options;
  const flags = [`-addr=${host}:${port}`];
  flags.push(`-snapshots-enabled=${snapshotPath !== undefined}`);
  if (snapshotPath !== undefined) flags.push(`-snapshot-path=${snapshotPath}`);
  if (redirect !== undefined) flags.push(`-redirect-endpoint=${redirect}`);
  if (tls !== undefined && tls !== false) {
    const { certificatePath, keyPath } =
      tls === true
        ? { certificatePath: certificate("server.pem"), keyPath: certificate("server-key.pem") }
        : tls;
    flags.push(`-certificate-path=${certificatePath}`, `-key-path=${keyPath}`);
  }
  return flags;
}

function addressIn(pattern: RegExp): (line: string) => ServiceEvent | undefined {
  return (line) => {
    const address = pattern.exec(line)?.[1];
    return address === undefined ? undefined : { address };
  };
}

/** Path of a test certificate. */
export function certificate(name: "ca.pem" | "server.pem" | "server-key.pem"): string {
  return resolve(inject("certificates"), name);
}
