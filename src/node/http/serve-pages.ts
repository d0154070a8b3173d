/**
 * Pages on a port of their own, over HTTP/1.1: for people, probes and Prometheus, away from the
 * nodes' port.
 * @module
 */
import { createServer } from "node:http";
import { type DiscoveryError, isDiscoveryError } from "../../errors.ts";
import type { ClientHeaders } from "../../server/limits/client-address.ts";
import { createPageService } from "../../server/pages/page-service.ts";
import type { Pages } from "../../server/pages/pages.ts";
import {
  type ResolvedServiceOptions,
  resolveServiceOptions,
} from "../../server/service-options.ts";
import { listenOn, reachableHost } from "./listening.ts";
import { Output } from "./output.ts";
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
  const output = new Output({
    unsent: new UnsentBytes(),
    pacer: undefined,
    writeTimeoutMs: REQUEST_TIMEOUT_MS + KEEPALIVE_MS,
  });
  return openPageServer(options, resolveServiceOptions(options), output);
}

async function openPageServer(
  { host, port }: ListenAddress,
  options: ResolvedServiceOptions,
  output: Output,
): Promise<PageServer> {
  const server = createServer({
    headersTimeout: REQUEST_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: REQUEST_TIMEOUT_MS / 2,
    keepAliveTimeout: KEEPALIVE_MS,
    maxHeaderSize: HEADER_BYTES,
    noDelay: true,
  });
  server.maxConnections = MAX_CONNECTIONS;
  // A reader that reads nothing: an answer that has stood still for this long is given up.
  server.setTimeout(REQUEST_TIMEOUT_MS + KEEPALIVE_MS);
  server.on("request", createRequestListener(createPageService(options), { ...options, output }));
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
  output: Output,
): Promise<PageServer | undefined> {
  try {
    return await openPageServer(address, options, output);
  } catch (error) {
    const { onUnavailable } = address;
    if (onUnavailable === undefined || !isDiscoveryError(error)) throw error;
    onUnavailable(error);
    return undefined;
  }
}
