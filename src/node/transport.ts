/**
 * gRPC over HTTP/2 for a `DiscoveryClient`: plaintext or TLS, also through an HTTP proxy.
 * @module
 */
import type { ClientSessionOptions, SecureClientSessionOptions } from "node:http2";
import * as tls from "node:tls";
import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { parseServiceUrl, type ServiceUrl } from "../client/service-url.ts";
import { MAX_CLIENT_MESSAGE_BYTES, MAX_TTL_MS } from "../protocol/limits.ts";
import { type Environment, parseProxyUrl, proxyFromEnvironment } from "./proxy-environment.ts";
import { ProxyTunnel } from "./proxy-tunnel.ts";

/** A tenth of the longest TTL, as nodes do. */
const DEFAULT_PING_INTERVAL_MS = MAX_TTL_MS / 10;

/** One or more certificates in PEM, as text or as the bytes of a file. */
export type PemCertificates = string | Uint8Array;

export interface GrpcTransportOptions {
  /** Certificates to trust besides the runtime's own, for the service and for an `https` proxy. @default none */
  readonly ca?: PemCertificates | readonly PemCertificates[] | undefined;
  /** The name that the service's certificate has to hold. @default the URL's host */
  readonly serverName?: string | undefined;
  /** Sees after so many ms without data whether the service still answers; it has 15 s. @default 180_000 */
  readonly pingIntervalMs?: number | undefined;
  /**
   * `http://[user:password@]host:port` or the same with `https` is a proxy to use for any host; `false` is none.
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
 * Makes a gRPC transport. Messages of up to 16 MiB are accepted. An idle connection keeps no process alive.
 *
 * @param url - `https://host[:443]`, `grpc://host[:443]` (TLS) or `http://host[:80]`.
 * @throws {DiscoveryError} `ERR_SERVICE_URL_INVALID` for the URL of the service or of the proxy.
 * @example
 * new DiscoveryClient({ service, transport: grpcTransport, clusterId, clusterSecret, nodeId });
 */
export function grpcTransport(url: string, options: GrpcTransportOptions = {}): GrpcTransport {
  const { pingIntervalMs = DEFAULT_PING_INTERVAL_MS } = options;
  const service = parseServiceUrl(url);
  const sessionManager = new Http2SessionManager(
    service.baseUrl,
    { pingIntervalMs },
    sessionOptions(service, options),
  );
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

function sessionOptions(
  service: ServiceUrl,
  options: GrpcTransportOptions,
): ClientSessionOptions | SecureClientSessionOptions {
  const ca = trustedCertificates(options.ca);
  const trust = ca === undefined ? {} : { ca: [...ca] };
  const proxy = resolveProxy(service, options);
  const name = options.serverName === undefined ? {} : { servername: options.serverName };
  if (proxy === undefined) return service.tls ? { ...trust, ...name } : {};
  return {
    createConnection: () => {
      const socket = new ProxyTunnel(proxy, service, { ca });
      if (!service.tls) return socket;
      const host = service.host.replace(/^\[|\]$/g, "");
      return tls.connect({ socket, host, ALPNProtocols: ["h2"], ...trust, ...name });
    },
  };
}

function resolveProxy(
  service: ServiceUrl,
  { proxy, env = process.env }: GrpcTransportOptions,
): URL | undefined {
  if (proxy === false) return undefined;
  return proxy === undefined ? proxyFromEnvironment(service, env) : parseProxyUrl(proxy, "proxy");
}

/** The runtime's certificates and more: a list given to TLS replaces the runtime's own. */
function trustedCertificates(extra: GrpcTransportOptions["ca"]): readonly string[] | undefined {
  if (extra === undefined) return undefined;
  const pems = typeof extra === "string" || extra instanceof Uint8Array ? [extra] : extra;
  // Absent before Node 22.15; what it adds is the file that NODE_EXTRA_CA_CERTS names.
  const own = tls.getCACertificates?.("default") ?? tls.rootCertificates;
  return [
    ...own,
    ...pems.map((pem) => (typeof pem === "string" ? pem : Buffer.from(pem).toString())),
  ];
}
