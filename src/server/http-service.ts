/**
 * The whole service as one function of an HTTP request, whatever carries it: procedures, CORS, pages.
 * @module
 */
import {
  type ConnectRouter,
  type ContextValues,
  createConnectRouter,
  createContextValues,
} from "@connectrpc/connect";
import type {
  Compression,
  UniversalHandlerFn,
  UniversalServerRequest,
  UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { MAX_DELAY_MS } from "../async/wake-timer.ts";
import { checkInteger, checkPositive } from "../check.ts";
import { type ClientHeaders, parseTrustedProxies } from "./limits/client-address.ts";
import { type CorsOptions, corsHeaders } from "./pages/cors.ts";
import { answerPage, pageResponse } from "./pages/page-service.ts";
import type { Pages } from "./pages/pages.ts";
import {
  grpcNeedsTrailers,
  methodNotAllowed,
  pageFor,
  unsupportedMediaType,
} from "./pages/plain-page.ts";
import { observeBodySize } from "./rpc/body-size.ts";
import type { ServerHooks } from "./rpc/call-report.ts";
import { withoutFarDeadline } from "./rpc/caller-deadline.ts";
import { clusterRoutes, peerAddressKey } from "./rpc/cluster-routes.ts";
import type { Procedures } from "./rpc/procedures.ts";
import {
  type BodyObserver,
  MAX_REQUEST_BYTES,
  REQUEST_BODY_TIMEOUT_MS,
  withBodyTimeout,
} from "./rpc/request-body.ts";

export interface HttpServiceOptions extends ClientHeaders {
  /**
   * CIDR prefixes of proxies whose `X-Real-IP` and `X-Forwarded-For` are believed: of nobody else's.
   * @default none
   */
  readonly trustedProxies?: readonly string[] | undefined;
  /** For browsers; `false` leaves CORS to whoever stands in front. @default all origins */
  readonly cors?: CorsOptions | false | undefined;
  readonly hooks?: ServerHooks | undefined;
  /** Answers to requests that are no calls, such as `servicePages`. @default a line of text at `/` */
  readonly pages?: Pages | undefined;
  /** Further services on the same port, such as `healthRoutes` and `reflectionRoutes`. @default none */
  readonly routes?: readonly ((router: ConnectRouter) => void)[] | undefined;
  /** Longest time for a caller to send its request, over 0 and at most 2,147,483,647. @default 20_000 */
  readonly bodyTimeoutMs?: number | undefined;
  /** Largest request message; a larger one is `ResourceExhausted`. The largest legal one is under 7 kB. @default 65_536 */
  readonly maxRequestBytes?: number | undefined;
}

/** What the connection below can do. */
export interface HttpServiceAbilities {
  /** Whether answers can have trailers, without which there is no gRPC. */
  readonly trailers: boolean;
  /** Compressions that callers may use. */
  readonly acceptCompression?: Compression[];
}

/**
 * Creates the function. It rejects only for a request that is no HTTP request.
 *
 * @throws {DiscoveryError} For a prefix in `trustedProxies` that does not parse.
 * @throws {RangeError} For a `bodyTimeoutMs` or `maxRequestBytes` out of range.
 */
export function createHttpService(
  procedures: Procedures,
  options: HttpServiceOptions,
  abilities: HttpServiceAbilities,
): UniversalHandlerFn {
  const { cors = {}, hooks, pages, routes = [], bodyTimeoutMs = REQUEST_BODY_TIMEOUT_MS } = options;
  const maxRequestBytes = resolveMaxRequestBytes(options);
  const onRefused = hooks?.onRefused;
  checkPositive("bodyTimeoutMs", bodyTimeoutMs, MAX_DELAY_MS);
  const { trailers, acceptCompression = [] } = abilities;
  const router = createConnectRouter({
    grpc: trailers,
    acceptCompression,
    // What we send is sealed, and random bytes do not compress.
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    readMaxBytes: maxRequestBytes,
  });
  const trustedProxies = parseTrustedProxies(options.trustedProxies ?? []);
  const { trustXRealIp, trustXForwardedFor } = options;
  const trust = { trustedProxies, trustXRealIp, trustXForwardedFor };
  clusterRoutes(procedures, { ...trust, hooks })(router);
  for (const addRoutes of routes) addRoutes(router);
  const encodings = acceptCompression.map(({ name }) => name);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));

  async function answer(request: UniversalServerRequest): Promise<UniversalServerResponse> {
    const url = new URL(request.url);
    const contentType = request.header.get("content-type") ?? "";
    const handler = handlers.get(url.pathname);
    if (handler === undefined) {
      if (!contentType.startsWith("application/grpc")) {
        return pageResponse(await answerPage(pages, request, url, trust));
      }
      onRefused?.("unknown_method");
      return pageResponse(
        isGrpc(contentType) && !trailers
          ? grpcNeedsTrailers()
          : pageFor(request.method, url.pathname, contentType),
      );
    }
    const body = withBodyTimeout(
      request.body as AsyncIterable<Uint8Array>,
      bodyTimeoutMs,
      onRefused && bodyObserver(contentType, maxRequestBytes, onRefused),
    );
    const response = await handler({
      ...request,
      header: withoutFarDeadline(request.header),
      body,
    });
    const encoding = request.header.get("grpc-encoding") ?? "identity";
    if (encoding !== "identity" && !encodings.includes(encoding)) {
      // gRPC's compression document asks for it; Connect says it in the text of the error only.
      response.header?.set("grpc-accept-encoding", ["identity", ...encodings].join(","));
    }
    // Connect leaves these two without a word.
    if (response.status === 405) return pageResponse(methodNotAllowed("POST"));
    if (response.status === 415) {
      onRefused?.("content_type");
      return pageResponse(isGrpc(contentType) ? grpcNeedsTrailers() : unsupportedMediaType());
    }
    return response;
  }

  return async (request) => {
    if (cors === false) return answer(request);
    const origin = request.header.get("origin");
    const preflight =
      request.method === "OPTIONS" && request.header.has("access-control-request-method");
    const response = preflight ? { status: 204 } : await answer(request);
    return withHeaders(response, corsHeaders(cors, origin, preflight));
  };
}

/** @throws {RangeError} If it is not a positive integer of at most 32 bits. */
export function resolveMaxRequestBytes({
  maxRequestBytes = MAX_REQUEST_BYTES,
}: HttpServiceOptions): number {
  return checkInteger("maxRequestBytes", maxRequestBytes, 1, 2 ** 32 - 1);
}

function bodyObserver(
  contentType: string,
  maxBytes: number,
  onRefused: NonNullable<ServerHooks["onRefused"]>,
): BodyObserver {
  return {
    onChunk: observeBodySize(contentType, maxBytes, () => onRefused("body_too_large")),
    onTimeout: () => onRefused("body_timeout"),
  };
}

/** The part of a call's context that comes from the connection. */
export function peerContext(peerAddress: string | undefined): ContextValues {
  return createContextValues().set(peerAddressKey, peerAddress);
}

function isGrpc(contentType: string): boolean {
  return contentType.startsWith("application/grpc") && !contentType.startsWith("application/grpc-");
}

function withHeaders(
  response: UniversalServerResponse,
  headers: readonly (readonly [string, string])[],
): UniversalServerResponse {
  if (headers.length === 0) return response;
  const header = response.header ?? new Headers();
  for (const [name, value] of headers) {
    if (name === "Vary") header.append(name, value);
    else header.set(name, value);
  }
  return { ...response, header };
}
