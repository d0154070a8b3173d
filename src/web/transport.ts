/**
 * Transports over `fetch` for a `DiscoveryClient`: browsers, workers, and wherever gRPC has no way
 * through.
 *
 * The service has to speak gRPC-Web or Connect, which ours does and the reference does not. There
 * are no pings over `fetch`: a watch whose connection dies silently is noticed when the next
 * refresh fails.
 * @module
 */
import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { parseServiceUrl } from "../client/service-url.ts";
import { MAX_CLIENT_MESSAGE_BYTES } from "../protocol/limits.ts";
import { limitMessages } from "./message-limit.ts";

export interface WebTransportOptions {
  /** @default the global one */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Largest message to accept, in bytes. @default 16 MiB */
  readonly readMaxBytes?: number | undefined;
  /** Taken, because every client names one, and not used: `fetch` has no pings. */
  readonly pingIntervalMs?: number | undefined;
}

/**
 * Makes a gRPC-Web transport.
 *
 * @param url - `https://host[:443]`, `grpc://host[:443]` (TLS) or `http://host[:80]`.
 * @throws {DiscoveryError} `ERR_SERVICE_URL_INVALID`
 * @example
 * new DiscoveryClient({ service, transport: grpcWebTransport, clusterId, clusterSecret, nodeId });
 */
export function grpcWebTransport(url: string, options: WebTransportOptions = {}): Transport {
  return createGrpcWebTransport(webOptions(url, options));
}

/**
 * Makes a transport for the Connect protocol, in its binary form. Otherwise as
 * {@link grpcWebTransport}.
 */
export function connectTransport(url: string, options: WebTransportOptions = {}): Transport {
  return createConnectTransport(webOptions(url, options));
}

function webOptions(
  url: string,
  { fetch, readMaxBytes = MAX_CLIENT_MESSAGE_BYTES }: WebTransportOptions,
): { baseUrl: string; useBinaryFormat: boolean; fetch: typeof globalThis.fetch } {
  return {
    baseUrl: parseServiceUrl(url).baseUrl,
    useBinaryFormat: true,
    // The global one is looked up at each call: it may be replaced, for tests or to add headers.
    fetch: limitMessages(
      refuseRedirects(fetch ?? ((input, init) => globalThis.fetch(input, init))),
      readMaxBytes,
    ),
  };
}

/**
 * Connect asks for `redirect: "error"`, which workers refuse to take. A redirect that is not
 * followed has no message in it, so the call fails just as well.
 */
function refuseRedirects(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return (input, init) => fetch(input, { ...init, redirect: "manual" });
}
