/**
 * gRPC over HTTP/2 for a `DiscoveryClient`: plaintext or TLS, also through an HTTP proxy.
 * @module
 */
import { isIP } from "node:net";
import * as tls from "node:tls";
import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { parseServiceUrl, type ServiceUrl } from "../../client/service-url.ts";
import { MAX_CLIENT_MESSAGE_BYTES, MAX_TTL_MS } from "../../protocol/limits.ts";
import { type Environment, parseProxyUrl, proxyFromEnvironment } from "./proxy-environment.ts";
import { openProxyTunnel } from "./proxy-tunnel.ts";
import { AbortableSessionManager } from "./session-manager.ts";
import { TunnelSessionManager } from "./tunnel-session.ts";

/** A tenth of the longest TTL, as nodes do. */
const DEFAULT_PING_INTERVAL_MS = MAX_TTL_MS / 10;

/** One or more certificates in PEM, as text or as the bytes of a file. */
export type PemCertificates = string | Uint8Array;

export interface GrpcTransportOptions {
  /**
   * Certificates to trust besides the runtime's own, for the service and for an `https` proxy.
   * @default none
   */
  readonly ca?: PemCertificates | readonly PemCertificates[] | undefined;
  /** The name that the service's certificate has to hold. @default the URL's host */
  readonly serverName?: string | undefined;
  /** Sees after so many ms without data whether the service still answers. @default 180_000 */
  readonly pingIntervalMs?: number | undefined;
  /**
   * How long the service may take to answer a ping, in ms, before the connection is given up.
   * @default 15_000
   */
  readonly pingTimeoutMs?: number | undefined;
  /**
   * `http://[user:password@]host:port` or the same with `https` is a proxy to use for any host;
   * `false` is none.
   * @default what `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say, by Go's rules
   */
  readonly proxy?: string | false | undefined;
  /** Where the proxy's variables are read from. @default process.env */
  readonly env?: Environment | undefined;
}

/** Holds one connection, opened at the first call. */
export interface GrpcTransport extends Transport {
  /** Ends the connection and all calls over it. */
  close(): void;
}

/**
 * Makes a gRPC transport. Messages of up to 16 MiB are accepted. An idle connection keeps no
 * process alive.
 *
 * @param url - `https://host[:443]`, `grpc://host[:443]` (TLS) or `http://host[:80]`.
 * @throws {DiscoveryError} `ERR_SERVICE_URL_INVALID` for the URL of the service or of the proxy.
 * @example
 * new DiscoveryClient({ service, transport: grpcTransport, clusterId, clusterSecret, nodeId });
 */
export function grpcTransport(url: string, options: GrpcTransportOptions = {}): GrpcTransport {
  const service = parseServiceUrl(url);
  const sessionManager = createSessionManager(service, options);
  const transport = createGrpcTransport({
    baseUrl: service.baseUrl,
    sessionManager,
    readMaxBytes: MAX_CLIENT_MESSAGE_BYTES,
    // Sealed data does not compress.
    acceptCompression: [],
  });
  return {
    unary: transport.unary.bind(transport),
    stream: transport.stream.bind(transport),
    close: () => sessionManager.abort(),
  };
}

function createSessionManager(
  service: ServiceUrl,
  options: GrpcTransportOptions,
): AbortableSessionManager | TunnelSessionManager {
  const { pingIntervalMs = DEFAULT_PING_INTERVAL_MS, pingTimeoutMs, serverName } = options;
  const pings = { pingIntervalMs, ...(pingTimeoutMs === undefined ? {} : { pingTimeoutMs }) };
  const ca = trustedCertificates(options.ca);
  const tlsOptions = {
    ...(ca === undefined ? {} : { ca: [...ca] }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
  const proxy = resolveProxy(service, options);
  if (proxy === undefined) {
    return new AbortableSessionManager(service.baseUrl, pings, tlsOptions);
  }
  const host = service.host.replace(/^\[|\]$/g, "");
  // Over a socket of one's own, TLS sends the host's name only when told to; an IP address is not
  // sent.
  const ownName = isIP(host) === 0 ? { servername: host } : {};
  const secureOptions = { host, ALPNProtocols: ["h2"], ...ownName, ...tlsOptions };
  return new TunnelSessionManager(service.baseUrl, {
    open: (signal) => openProxyTunnel(proxy, service, { ca, signal }),
    secure: (socket) => (service.tls ? tls.connect({ socket, ...secureOptions }) : socket),
    pings,
  });
}

function resolveProxy(
  service: ServiceUrl,
  { proxy, env = process.env }: GrpcTransportOptions,
): URL | undefined {
  if (proxy === false) return undefined;
  return proxy === undefined ? proxyFromEnvironment(service, env) : parseProxyUrl(proxy, "proxy");
}

/** The runtime's certificates and more: a list given to TLS replaces the runtime's own. */
export function trustedCertificates(
  extra: GrpcTransportOptions["ca"],
): readonly string[] | undefined {
  if (extra === undefined) return undefined;
  const pems = typeof extra === "string" || extra instanceof Uint8Array ? [extra] : extra;
  // Absent before Node 22.15; what it adds is the file that NODE_EXTRA_CA_CERTS names.
  const own = tls.getCACertificates?.("default") ?? tls.rootCertificates;
  return [
    ...own,
    ...pems.map((pem) => (typeof pem === "string" ? pem : Buffer.from(pem).toString())),
  ];
}
