/**
 * The options of the service over HTTP, and what they mean once they are checked.
 *
 * They are checked once, by whoever takes them from a user. Connect's handler, native calls and the
 * pages all get the same {@link ResolvedServiceOptions}.
 * @module
 */
import type { ConnectRouter } from "@connectrpc/connect";
import { MAX_DELAY_MS } from "../async/timers.ts";
import { checkInteger, checkPositive } from "../check.ts";
import type { Prefix } from "../net/prefix.ts";
import { type AllowedOrigins, parseCorsOrigins } from "./cors.ts";
import { type ClientHeaders, parseTrustedProxies } from "./limits/client-address.ts";
import type { Pages } from "./pages/pages.ts";
import type { ServerHooks } from "./rpc/call-report.ts";
import { MAX_REQUEST_BYTES, REQUEST_BODY_TIMEOUT_MS } from "./rpc/request-body.ts";

/** Options of the service that do not depend on what carries the requests. */
export interface HttpServiceOptions extends ClientHeaders {
  /**
   * CIDR prefixes of the proxies whose `X-Real-IP` and `X-Forwarded-For` are trusted.
   * @default none
   */
  readonly trustedProxies?: readonly string[] | undefined;
  /**
   * Origins whose web pages may call the service from a browser, like `https://example.org`. `*`
   * allows every page that anybody opens to read, write and delete: only for a service that
   * everybody may use anyway. `/stats` is for every page in any case. @default none
   */
  readonly corsOrigins?: "*" | readonly string[] | undefined;
  /** Callbacks for metrics and logs. @default none */
  readonly hooks?: ServerHooks | undefined;
  /**
   * Answers to requests that are not calls, such as `servicePages`.
   * @default a line of text at `/`
   */
  readonly pages?: Pages | undefined;
  /**
   * Further services on the same port, such as `healthRoutes` and `reflectionRoutes`. @default none
   */
  readonly routes?: readonly ((router: ConnectRouter) => void)[] | undefined;
  /**
   * Longest time for a caller to send its request, over 0 and at most 2,147,483,647.
   * @default 20_000
   */
  readonly bodyTimeoutMs?: number | undefined;
  /**
   * Largest request message; a larger one is `ResourceExhausted`. The largest legal one is under
   * 7 kB. @default 16_384
   */
  readonly maxRequestBytes?: number | undefined;
}

/** {@link HttpServiceOptions}, checked and complete. */
export interface ResolvedServiceOptions extends Required<ClientHeaders> {
  readonly trustedProxies: readonly Prefix[];
  readonly corsOrigins: AllowedOrigins;
  readonly hooks: ServerHooks;
  readonly pages: Pages | undefined;
  readonly routes: readonly ((router: ConnectRouter) => void)[];
  readonly bodyTimeoutMs: number;
  readonly maxRequestBytes: number;
}

const MAX_MAX_REQUEST_BYTES = 2 ** 32 - 1;

/**
 * Checks options and fills in the defaults.
 *
 * @throws {DiscoveryError} `ERR_PREFIX_INVALID` or `ERR_ADDRESS_INVALID` for a prefix in
 *   `trustedProxies` that does not parse.
 * @throws {RangeError} If `bodyTimeoutMs` or `maxRequestBytes` is out of range, or an item of
 *   `corsOrigins` is not an origin.
 */
export function resolveServiceOptions(options: HttpServiceOptions): ResolvedServiceOptions {
  const { bodyTimeoutMs = REQUEST_BODY_TIMEOUT_MS, maxRequestBytes = MAX_REQUEST_BYTES } = options;
  checkInteger("maxRequestBytes", maxRequestBytes, 1, MAX_MAX_REQUEST_BYTES);
  checkPositive("bodyTimeoutMs", bodyTimeoutMs, MAX_DELAY_MS);
  const { trustedProxies = [], trustXRealIp = true, trustFirstXForwardedFor = true } = options;
  const { corsOrigins = [], hooks = {}, pages, routes = [] } = options;
  return {
    trustedProxies: parseTrustedProxies(trustedProxies),
    trustXRealIp,
    trustFirstXForwardedFor,
    corsOrigins: parseCorsOrigins(corsOrigins),
    hooks,
    pages,
    routes,
    bodyTimeoutMs,
    maxRequestBytes,
  };
}
