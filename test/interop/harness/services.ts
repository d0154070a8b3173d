/**
 * Discovery services as real processes: the reference's and ours, behind one shape.
 * @module
 */
import { resolve } from "node:path";
import { inject } from "vitest";
import { LineProcess } from "./line-process.ts";
import { OUR_CLI } from "./our-cli.ts";
import { unusedPort } from "./unused-port.ts";

export const SERVICE_KINDS = ["go", "ts"] as const;
export type ServiceKind = (typeof SERVICE_KINDS)[number];

/** How often the reference looks for what has expired. Ours needs no telling. */
export const GO_SWEEP_INTERVAL_MS = 500;

export interface ServiceOptions {
  /** Empty for all addresses, IPv6 and IPv4. @default "127.0.0.1" */
  readonly host?: string;
  /** @default an unused one */
  readonly port?: number;
  /** `host:port` to which callers are sent. */
  readonly redirect?: string;
  /** @default false */
  readonly tls?: boolean;
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
    const tls = options.tls ?? false;
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
    "-metrics-addr=",
    "-snapshots-enabled=false",
    `-gc-interval=${GO_SWEEP_INTERVAL_MS}ms`,
    `-trust-x-real-ip=${trustRealIp}`,
    `-trust-first-x-forwarded-for=${trustRealIp}`,
  ];
  // It logs JSON lines; the one that names its address says that it listens.
  const pattern = /"msg":"API server starting","address":"([^"]+)"/;
  return new LineProcess("go service", inject("binaries").service, args, addressIn(pattern));
}

function startOurs(options: ServiceOptions): LineProcess<ServiceEvent> {
  const args = [OUR_CLI, "serve", ...commonFlags(options)];
  if (options.trustRealIp ?? true) args.push("-trusted-proxies=127.0.0.0/8");
  const pattern = /^listening on https?:\/\/(\S+)$/;
  return new LineProcess("ts service", process.execPath, args, addressIn(pattern));
}

/** Ours takes the reference's flags, and in its way of writing them. */
function commonFlags({ host = HOST, port, redirect, tls }: ServiceOptions): string[] {
  const flags = [`-addr=${host}:${port}`];
  if (redirect !== undefined) flags.push(`-redirect-endpoint=${redirect}`);
  if (tls === true) {
    flags.push(`-certificate-path=${certificate("server.pem")}`);
    flags.push(`-key-path=${certificate("server-key.pem")}`);
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
