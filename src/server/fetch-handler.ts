/**
 * The service on web `Request` and `Response`: for workers, Deno, Bun, and any framework.
 * @module
 */
import {
  universalServerRequestFromFetch,
  universalServerResponseToFetch,
} from "@connectrpc/connect/protocol";
import { formatAddress } from "../net/address.ts";
import type { Registry } from "../registry/registry.ts";
import { createHttpService, peerContext } from "./http-service.ts";
import { Admission } from "./limits/admission.ts";
import { clientAddress } from "./limits/client-address.ts";
import type { ProbeRateLimit } from "./limits/probe-limit.ts";
import { AnswerEncoder } from "./rpc/answer-encoder.ts";
import { createProcedures, type ProceduresOptions } from "./rpc/procedures.ts";
import { type HttpServiceOptions, resolveServiceOptions } from "./service-options.ts";

/** Options of {@link createFetchHandler}. */
export interface FetchHandlerOptions extends ProceduresOptions, HttpServiceOptions {
  /**
   * How many requests that are no calls one client may make per second, apart from `rateLimit`.
   * @default false
   */
  readonly probeRateLimit?: ProbeRateLimit | false | undefined;
}

/** What a request does not say about its connection. */
export interface RequestInfo {
  /** IP of the connection's other end, as text without a port. `Hello` reports it. */
  readonly peerAddress?: string | undefined;
}

/**
 * Creates a handler that answers gRPC-Web, Connect and plain pages. gRPC itself needs trailers,
 * which `Response` has not: it is told so with status 415.
 *
 * `Request.url` is parsed already: `/a/../inspect` has become `/inspect`, and what was sent is not
 * known any more. `serve` refuses such a request; here, whatever stands in front must do so if it
 * has rules for paths.
 *
 * @param registry - Stays the caller's to close; watches end when it closes.
 * @throws {DiscoveryError} For a prefix in `trustedProxies` that does not parse.
 * @throws {RangeError} For an item of `corsOrigins` that is not an origin.
 * @example
 * const handler = createFetchHandler(new MemoryRegistry());
 * Deno.serve((request, { remoteAddr }) => handler(request, { peerAddress: remoteAddr.hostname }));
 */
export function createFetchHandler(
  registry: Registry,
  options: FetchHandlerOptions = {},
): (request: Request, info?: RequestInfo) => Promise<Response> {
  const procedures = createProcedures(registry, options);
  const serviceOptions = resolveServiceOptions(options);
  const service = createHttpService(procedures, serviceOptions, {
    trailers: false,
    encoder: new AnswerEncoder({ memory: options.memory }),
  });
  const admission = new Admission(procedures, options.probeRateLimit);
  const { trustedProxies, hooks } = serviceOptions;
  return async (request, info) => {
    const { headers, url } = request;
    const clientIp = clientAddress(headers, info?.peerAddress, trustedProxies, serviceOptions);
    const contentType = headers.get("content-type") ?? "";
    const refused = admission.judge({
      method: request.method,
      target: new URL(url).pathname,
      contentType,
      clientIp,
    });
    if (refused !== undefined) {
      const { reason, page } = refused;
      hooks.onRefused?.(reason, { clientAddress: clientIp && formatAddress(clientIp) });
      return new Response(page.text, { status: page.status, headers: page.headers });
    }
    const answer = await service({
      ...universalServerRequestFromFetch(request, {}),
      contextValues: peerContext(info?.peerAddress),
    });
    return universalServerResponseToFetch(answer);
  };
}
