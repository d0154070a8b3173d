/**
 * Pages as a function of an HTTP request, whatever carries it.
 * @module
 */
import type {
  UniversalHandlerFn,
  UniversalServerRequest,
  UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { clientAddress } from "../limits/client-address.ts";
import { peerAddressKey } from "../rpc/connect-caller.ts";
import type { ResolvedServiceOptions } from "../service-options.ts";
import { type PlainPage, pageFor } from "./plain-page.ts";

/**
 * People try again by themselves, so a page waits no longer than this for its turn under the rate
 * limit.
 */
const PATIENCE_MS = 1000;

/** Answers a request from `options.pages`, or with the plain answer that every service has. */
export async function answerPage(
  request: UniversalServerRequest,
  url: URL,
  options: ResolvedServiceOptions,
): Promise<PlainPage> {
  const { method, header, signal, contextValues } = request;
  const page = await options.pages?.({
    method,
    url,
    accept: header.get("accept"),
    caller: {
      signal,
      clientIp: () =>
        clientAddress(header, contextValues?.get(peerAddressKey), options.trustedProxies, options),
      timeoutMs: () => PATIENCE_MS,
    },
  });
  return page ?? pageFor(method, url.pathname, header.get("content-type") ?? "");
}

/** Makes a service of `options.pages` alone, for a port of their own. */
export function createPageService(options: ResolvedServiceOptions): UniversalHandlerFn {
  return async (request) => pageResponse(await answerPage(request, new URL(request.url), options));
}

/** A page in Connect's terms. */
export function pageResponse(page: PlainPage): UniversalServerResponse {
  const { status, headers, trailers, text } = page;
  return {
    status,
    header: new Headers(headers),
    ...(text !== "" && { body: oneChunk(text) }),
    ...(trailers !== undefined && { trailer: new Headers(trailers) }),
  };
}

async function* oneChunk(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield new TextEncoder().encode(text);
}
