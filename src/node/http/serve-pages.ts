/**
 * Pages on a port of their own, over HTTP/1.1: for people, probes and Prometheus, away from the
 * nodes' port.
 * @module
 */
import { type DiscoveryError, isDiscoveryError } from "../../errors.ts";
import type { ClientHeaders } from "../../server/limits/client-address.ts";
import { createPageService } from "../../server/pages/page-service.ts";
import type { Pages } from "../../server/pages/pages.ts";
import {
  type ResolvedServiceOptions,
  resolveServiceOptions,
} from "../../server/service-options.ts";
import {
  DEFAULT_WRITE_TIMEOUT_MS,
  resolveConnectionLimits,
  TCP_KEEPALIVE_MS,
} from "./connection-limits.ts";
import { Connections } from "./connections.ts";
import { createHttp1Server } from "./http1-server.ts";
import { listenOn, reachableHost } from "./listening.ts";
import { Output } from "./output.ts";
import type { RequestGate } from "./request-gate.ts";
import { createRequestListener } from "./request-listener.ts";
import { UnsentBytes } from "./unsent-bytes.ts";

/** Where to listen. */
export interface ListenAddress {
  /** Address or name. @default all addresses, IPv6 and IPv4 */
  readonly host?: string | undefined;
  /** 0 takes any free port. */
  readonly port: number;
}

/** A port of pages that a service can do without. */
export interface PagesAddress extends ListenAddress {
  /**
   * Told where the address cannot be had, and the service goes on without it. @default `serve`
   * fails
   */
  readonly onUnavailable?: ((error: DiscoveryError) => void) | undefined;
}

/** What the ports of one service share. */
export interface PageConnections {
  readonly connections: Connections;
  readonly output: Output;
  readonly gate?: RequestGate | undefined;
  /** How long a connection may take to send the headers of a request. @default 10_000 */
  readonly firstByteTimeoutMs?: number | undefined;
}

/** Options of {@link servePages}. */
export interface ServePagesOptions extends ListenAddress, ClientHeaders {
  readonly pages: Pages;
  /** CIDR prefixes of proxies whose headers are believed. @default none */
  readonly trustedProxies?: readonly string[] | undefined;
}

/** A running port of pages. */
export interface PageServer {
  readonly host: string;
  readonly port: number;
  /** For clients on this machine: `http://127.0.0.1:3001`. */
  readonly url: string;
  /** Stops accepting; answers under way have a moment to end. */
  close(): Promise<void>;
}

/** Requests have no body and answers are small, so whoever takes longer than this means no good. */
const REQUEST_TIMEOUT_MS = 10_000;
const HEADER_BYTES = 8192;
const MAX_CONNECTIONS = 256;
const KEEPALIVE_MS = 65_000;
const CLOSE_GRACE_MS = 1000;

/**
 * Serves pages alone, without TLS.
 *
 * @throws {DiscoveryError} `ERR_LISTEN_FAILED`; `ERR_PREFIX_INVALID` or `ERR_ADDRESS_INVALID` for a
 *   trusted proxy that does not parse.
 */
export async function servePages(options: ServePagesOptions): Promise<PageServer> {
  const serviceOptions = resolveServiceOptions(options);
  const connections = new Connections({
    limits: resolveConnectionLimits({}, REQUEST_TIMEOUT_MS),
    trustedProxies: serviceOptions.trustedProxies,
  });
  const output = new Output({
    unsent: new UnsentBytes(),
    pacer: undefined,
    writeTimeoutMs: DEFAULT_WRITE_TIMEOUT_MS,
  });
  const close = () => connections.close();
  try {
    const server = await openPageServer(options, serviceOptions, { connections, output });
    return { ...server, close: () => server.close().finally(close) };
  } catch (error) {
    close();
    throw error;
  }
}

async function openPageServer(
  { host, port }: ListenAddress,
  options: ResolvedServiceOptions,
  { connections, output, gate, firstByteTimeoutMs = REQUEST_TIMEOUT_MS }: PageConnections,
): Promise<PageServer> {
  const { onRefused } = options.hooks;
  const server = createHttp1Server(
    createRequestListener(createPageService(options), { ...options, output, gate }),
    {
      maxHeaderBytes: HEADER_BYTES,
      headersTimeoutMs: Math.min(firstByteTimeoutMs, REQUEST_TIMEOUT_MS),
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      keepAliveTimeoutMs: KEEPALIVE_MS,
      onRefused,
    },
    { keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS },
  );
  const { accept } = connections.openPort(MAX_CONNECTIONS);
  server.on("connection", accept);
  const at = await listenOn(server, host, port);
  return {
    host: at.address,
    port: at.port,
    url: `http://${reachableHost(at)}:${at.port}`,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
      return closed.finally(() => clearTimeout(timer));
    },
  };
}

/**
 * As {@link servePages}, for options that are checked already.
 *
 * @returns `undefined` if the address is not available and the service can do without it.
 */
export async function tryServePages(
  address: PagesAddress,
  options: ResolvedServiceOptions,
  through: PageConnections,
): Promise<PageServer | undefined> {
  try {
    return await openPageServer(address, options, through);
  } catch (error) {
    const { onUnavailable } = address;
    if (onUnavailable === undefined || !isDiscoveryError(error)) throw error;
    onUnavailable(error);
    return undefined;
  }
}
