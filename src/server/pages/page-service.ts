/**
 * Pages as a function of an HTTP request, whatever carries it.
 * @module
 */
import type {
  UniversalHandlerFn,
  UniversalServerRequest,
  UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import type { Prefix } from "../../net/prefix.ts";
import {
  type ClientHeaders,
  clientAddress,
  parseTrustedProxies,
} from "../limits/client-address.ts";
import { peerAddressKey } from "../rpc/cluster-routes.ts";
import type { Pages } from "./pages.ts";
import { type PlainPage, pageFor } from "./plain-page.ts";

/** People try again by themselves, so a page waits no longer than this for its turn under the rate limit. */
const PATIENCE_MS = 1000;

/** Whose word counts for where a request comes from. */
export interface PageServiceOptions extends ClientHeaders {
  readonly trustedProxies?: readonly Prefix[] | undefined;
}

/** What a request asks of pages, or the plain answer that every service has. */
export async function answerPage(
  pages: Pages | undefined,
  request: UniversalServerRequest,
  url: URL,
  options: PageServiceOptions,
): Promise<PlainPage> {
  const { method, header, signal, contextValues } = request;
  const page = await pages?.({
    method,
    url,
    accept: header.get("accept"),
    caller: {
      signal,
      clientIp: () =>
        clientAddress(
          header,
          contextValues?.get(peerAddressKey),
          options.trustedProxies ?? [],
          options,
        ),
      timeoutMs: () => PATIENCE_MS,
    },
  });
  return page ?? pageFor(method, url.pathname, header.get("content-type") ?? "");
}

/**
 * A service of pages alone, for a port of their own.
 *
 * @param options - `trustedProxies` as CIDR prefixes.
 * @throws {DiscoveryError} For a prefix in `trustedProxies` that does not parse.
 */
export function createPageService(
  pages: Pages,
  options: ClientHeaders & { readonly trustedProxies?: readonly string[] | undefined } = {},
): UniversalHandlerFn {
  const trustedProxies = parseTrustedProxies(options.trustedProxies ?? []);
  return async (request) =>
    pageResponse(
      await answerPage(pages, request, new URL(request.url), { ...options, trustedProxies }),
    );
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
