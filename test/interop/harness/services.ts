/**
 * Discovery services as real processes: the reference's and ours, behind one shape.
 * @module
 */
import { resolve } from "node:path";
import { inject } from "vitest";
import type { ServiceConfig } from "../programs/service.ts";
import { LineProcess } from "./line-process.ts";

export const SERVICE_KINDS = ["go", "ts"] as const;
export type ServiceKind = (typeof SERVICE_KINDS)[number];

/** How often the reference looks for what has expired. Ours needs no telling. */
export const GO_SWEEP_INTERVAL_MS = 500;

const OUR_SERVICE = resolve(import.meta.dirname, "../programs/service.ts");

export interface ServiceOptions {
  /** 0 is a free one. @default 0 */
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
  /** `IP:port`, IPv6 without brackets in ours. */
  readonly address: string;
}

const HOST = "127.0.0.1";

/** Starts a service on loopback and waits until it listens. */
export async function startService(
  kind: ServiceKind,
  { port = 0, redirect, tls = false, trustRealIp = true }: ServiceOptions = {},
): Promise<Service> {
  const options = { port, redirect, tls, trustRealIp };
  const process = kind === "go" ? startReference(options) : startOurs(options);
  try {
    const { address } = await process.until("listening", () => process.events[0]);
    const endpoint = `${HOST}:${address.slice(address.lastIndexOf(":") + 1)}`;
    const url = `${tls ? "https" : "http"}://${endpoint}/`;
    return { kind, port: Number(endpoint.split(":")[1]), endpoint, url, tls, process };
  } catch (error) {
    await process.kill();
    throw error;
  }
}

interface StartOptions {
  readonly port: number;
  readonly redirect: string | undefined;
  readonly tls: boolean;
  readonly trustRealIp: boolean;
}

function startReference(options: StartOptions): LineProcess<ServiceEvent> {
  const { port, redirect, tls, trustRealIp } = options;
  const args = [
    `-addr=${HOST}:${port}`,
    "-landing-addr=",
    "-metrics-addr=",
    "-snapshots-enabled=false",
    `-gc-interval=${GO_SWEEP_INTERVAL_MS}ms`,
    `-trust-x-real-ip=${trustRealIp}`,
    `-trust-first-x-forwarded-for=${trustRealIp}`,
  ];
  if (redirect !== undefined) args.push(`-redirect-endpoint=${redirect}`);
  if (tls) {
    args.push(`-certificate-path=${certificate("server.pem")}`);
    args.push(`-key-path=${certificate("server-key.pem")}`);
  }
  return new LineProcess("go service", inject("binaries").service, args, addressOfLogLine);
}

/** The reference logs JSON lines; the one that names its address says that it listens. */
function addressOfLogLine(line: string): ServiceEvent | undefined {
  const address = /"msg":"API server starting","address":"([^"]+)"/.exec(line)?.[1];
  return address === undefined ? undefined : { address };
}

function startOurs({ port, redirect, tls, trustRealIp }: StartOptions): LineProcess<ServiceEvent> {
  const service = new LineProcess<ServiceEvent>("ts service", process.execPath, [OUR_SERVICE]);
  const config: ServiceConfig = {
    host: HOST,
    port,
    redirectEndpoint: redirect,
    trustedProxies: trustRealIp ? ["127.0.0.0/8"] : [],
    certificatePath: tls ? certificate("server.pem") : undefined,
    keyPath: tls ? certificate("server-key.pem") : undefined,
  };
  service.send(config);
  return service;
}

/** Path of a test certificate. */
export function certificate(name: "ca.pem" | "server.pem" | "server-key.pem"): string {
  return resolve(inject("certificates"), name);
}
