/**
 * Where a discovery service is: the URL forms that people configure, and the targets that services
 * redirect to.
 * @see docs/protocol.md, "What a client does", 8
 * @module
 */
import { DiscoveryError } from "../errors.ts";
import { quote } from "../net/quote.ts";

/** A service as a transport needs it. */
export interface ServiceUrl {
  /** `https://host:port` or `http://host:port`: lower case, with the port, nothing behind it. */
  readonly baseUrl: string;
  /** A name, an IPv4 address, or an IPv6 address in brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  readonly tls: boolean;
}

/**
 * Reads a service URL.
 *
 * @param text - `https://host[:443]/` or `grpc://host[:443]`, both TLS, or `http://host[:80]`.
 *   Path, query and user are ignored.
 * @throws {DiscoveryError} `ERR_SERVICE_URL_INVALID`: any other scheme, no host, or a port outside
 *   1 to 65535.
 * @example
 * parseServiceUrl("https://discovery.talos.dev/").baseUrl; // "https://discovery.talos.dev:443"
 */
export function parseServiceUrl(text: string): ServiceUrl {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/([^/\\\s][^\s]*)$/i.exec(text) ?? [];
  if (scheme === undefined || rest === undefined) {
    throw invalid(text, "expected https://host, grpc://host or http://host");
  }
  switch (scheme.toLowerCase()) {
    case "https":
    case "grpc":
      return parseAuthority(rest, true, text);
    case "http":
      return parseAuthority(rest, false, text);
    default:
      throw invalid(text, "expected scheme https, grpc or http");
  }
}

/**
 * Reads the target of a redirect; it is served with the same security as the service that names it.
 *
 * @param endpoint - `host:port`, or the same as a gRPC name, `dns:///host:port`.
 * @throws {DiscoveryError} `ERR_SERVICE_URL_INVALID`
 */
export function parseRedirectEndpoint(endpoint: string, from: ServiceUrl): ServiceUrl {
  const target = endpoint.replace(/^dns:\/\/\//, "");
  // A redirect names a place, whose name is at most 253 characters long. A path or user in it would
  // be dropped in silence, so neither is accepted.
  if (!/^[^/\\?#@\s]{1,300}$/.test(target)) throw invalid(endpoint, "expected host:port");
  return parseAuthority(target, from.tls, endpoint);
}

function parseAuthority(rest: string, tls: boolean, text: string): ServiceUrl {
  const scheme = tls ? "https" : "http";
  let url: URL;
  try {
    // "https" also for grpc://, because hosts of unknown schemes are not normalised by the URL
    // standard.
    url = new URL(`${scheme}://${rest}`);
  } catch {
    // The cause is left out: it holds the whole text, and with it a password.
    throw invalid(text, "no valid host and port");
  }
  const port = url.port === "" ? (tls ? 443 : 80) : Number(url.port);
  if (url.hostname === "" || port === 0) throw invalid(text, "no valid host and port");
  return { baseUrl: `${scheme}://${url.hostname}:${port}`, host: url.hostname, port, tls };
}

function invalid(text: string, why: string): DiscoveryError {
  const withoutUser = text.replace(/^([^/]*\/\/)[^/]*@/, "$1…@");
  return new DiscoveryError("ERR_SERVICE_URL_INVALID", `service URL ${quote(withoutUser)}: ${why}`);
}
