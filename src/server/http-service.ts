/**
 * The whole service as one function of an HTTP request, whatever carries it: procedures, CORS,
 * pages.
 * @module
 */
import { type ContextValues, createConnectRouter, createContextValues } from "@connectrpc/connect";
import type {
  Compression,
  UniversalHandlerFn,
  UniversalServerRequest,
  UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { formatAddress } from "../net/address.ts";
import { Cluster } from "../protocol/gen/sidero/discovery/server/cluster_pb.ts";
import { type RefuseRequest, withCors } from "./cors.ts";
import { clientAddress } from "./limits/client-address.ts";
import { answerPage, pageResponse } from "./pages/page-service.ts";
import {
  grpcNeedsTrailers,
  methodNotAllowed,
  pageFor,
  unsupportedMediaType,
} from "./pages/plain-page.ts";
import type { AnswerEncoder } from "./rpc/answer-encoder.ts";
import type { ServerHooks } from "./rpc/call-report.ts";
import { withoutFarDeadline } from "./rpc/caller-deadline.ts";
import { clusterRoutes } from "./rpc/cluster-routes.ts";
import { malformedKey, peerAddressKey } from "./rpc/connect-caller.ts";
import { AnswerSlot, answerSlotKey, withPreparedAnswer } from "./rpc/prepared-answer.ts";
import type { Procedures } from "./rpc/procedures.ts";
import { type BodyObserver, observeBodySize, withBodyTimeout } from "./rpc/request-body.ts";
import type { ResolvedServiceOptions } from "./service-options.ts";

/** What the connection below can do. */
export interface HttpServiceAbilities {
  /** Whether answers can have trailers, without which there is no gRPC. */
  readonly trailers: boolean;
  /** Compressions that callers may use. */
  readonly acceptCompression?: Compression[];
  /** Encodes lists and watches. */
  readonly encoder: AnswerEncoder;
}

/** Creates the function. It rejects only for a request that is not a valid HTTP request. */
export function createHttpService(
  procedures: Procedures,
  options: ResolvedServiceOptions,
  abilities: HttpServiceAbilities,
): UniversalHandlerFn {
  const { corsOrigins, hooks, routes, bodyTimeoutMs, maxRequestBytes } = options;
  const refuse = hooks.onRefused && refusalReporter(hooks.onRefused, options);
  const { trailers, acceptCompression = [], encoder } = abilities;
  const router = createConnectRouter({
    grpc: trailers,
    acceptCompression,
    // What we send is sealed, and random bytes do not compress.
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    readMaxBytes: maxRequestBytes,
  });
  clusterRoutes(procedures, options)(router);
  for (const addRoutes of routes) addRoutes(router);
  const encodings = acceptCompression.map(({ name }) => name);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));

  async function answer(request: UniversalServerRequest): Promise<UniversalServerResponse> {
    const url = new URL(request.url);
    const contentType = request.header.get("content-type") ?? "";
    const handler = handlers.get(url.pathname);
    if (handler === undefined) {
      if (!contentType.startsWith("application/grpc")) {
        return pageResponse(await answerPage(request, url, options));
      }
      refuse?.(request, "unknown_method");
      return pageResponse(
        isGrpc(contentType) && !trailers
          ? grpcNeedsTrailers()
          : pageFor(request.method, url.pathname, contentType),
      );
    }
    const observed = { isTooLarge: false, isLate: false };
    const body = withBodyTimeout(
      request.body as AsyncIterable<Uint8Array>,
      bodyTimeoutMs,
      bodyObserver(request, contentType, maxRequestBytes, observed, refuse),
    );
    const slot = new AnswerSlot(encoder);
    const contextValues = request.contextValues ?? createContextValues();
    const response = withPreparedAnswer(
      await handler({
        ...request,
        header: withoutFarDeadline(request.header),
        contextValues: contextValues.set(answerSlotKey, slot),
        body,
      }),
      slot,
    );
    const encoding = request.header.get("grpc-encoding") ?? "identity";
    if (encoding !== "identity" && !encodings.includes(encoding)) {
      // gRPC's compression document asks for it; Connect says it in the text of the error only.
      response.header?.set("grpc-accept-encoding", ["identity", ...encodings].join(","));
    }
    // Connect leaves these two without a word.
    if (response.status === 405) return pageResponse(methodNotAllowed("POST"));
    if (response.status === 415) {
      refuse?.(request, "content_type");
      // Others were counted when they came in.
      if (handler.service === Cluster) contextValues.get(malformedKey)?.();
      return pageResponse(isGrpc(contentType) ? grpcNeedsTrailers() : unsupportedMediaType());
    }
    const isRefused = handler.service === Cluster && !slot.hasBegun && !request.signal.aborted;
    if (isRefused && !observed.isLate) {
      if (!observed.isTooLarge) refuse?.(request, "malformed");
      contextValues.get(malformedKey)?.();
    }
    return response;
  }

  return withCors(answer, corsOrigins, refuse);
}

/** Adds the client's address to what is told of refusals. */
function refusalReporter(
  onRefused: NonNullable<ServerHooks["onRefused"]>,
  options: ResolvedServiceOptions,
): RefuseRequest {
  return ({ header, contextValues }, reason, details) => {
    const peer = contextValues?.get(peerAddressKey);
    const ip = clientAddress(header, peer, options.trustedProxies, options);
    onRefused(reason, { ...details, clientAddress: ip && formatAddress(ip) });
  };
}

function bodyObserver(
  request: UniversalServerRequest,
  contentType: string,
  maxBytes: number,
  observed: { isTooLarge: boolean; isLate: boolean },
  refuse: RefuseRequest | undefined,
): BodyObserver {
  return {
    onChunk: observeBodySize(contentType, maxBytes, () => {
      observed.isTooLarge = true;
      refuse?.(request, "body_too_large");
    }),
    onTimeout() {
      observed.isLate = true;
      refuse?.(request, "body_timeout");
    },
  };
}

/** The part of a call's context that comes from the connection. */
export function peerContext(peerAddress: string | undefined): ContextValues {
  return createContextValues().set(peerAddressKey, peerAddress);
}

function isGrpc(contentType: string): boolean {
  return contentType.startsWith("application/grpc") && !contentType.startsWith("application/grpc-");
}
