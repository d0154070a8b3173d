/**
 * The service on the requests of `node:http` and `node:http2`.
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { Http2ServerRequest } from "node:http2";
import type { UniversalHandlerFn, UniversalServerRequest } from "@connectrpc/connect/protocol";
import { formatAddress } from "../../net/address.ts";
import { peerContext } from "../../server/http-service.ts";
import { clientAddress } from "../../server/limits/client-address.ts";
import { pageResponse } from "../../server/pages/page-service.ts";
import { badRequest } from "../../server/pages/plain-page.ts";
import { isNormalTarget } from "../../server/request-target.ts";
import { malformedKey } from "../../server/rpc/connect-caller.ts";
import { CALLER_LEFT } from "../../server/rpc/rpc-status.ts";
import type { ResolvedServiceOptions } from "../../server/service-options.ts";
import { ignore } from "../ignore.ts";
import { closeFloodedSession } from "./flooded-session.ts";
import type { Output } from "./output.ts";
import type { RequestGate } from "./request-gate.ts";
import { type NodeResponse, onceClosed, ResponseExchange } from "./response-exchange.ts";

/** A request of either HTTP version. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;
export type { NodeResponse } from "./response-exchange.ts";

/** Options of {@link createRequestListener}. */
export interface RequestListenerOptions
  extends Pick<
    ResolvedServiceOptions,
    "trustedProxies" | "trustXRealIp" | "trustFirstXForwardedFor" | "hooks"
  > {
  readonly output: Output;
  /** @default every request is taken */
  readonly gate?: RequestGate | undefined;
  /** Whether HTTP/2 streams have passed the gate before they became requests. @default false */
  readonly areStreamsJudged?: boolean | undefined;
}

/** Makes a listener for the `request` event of both servers. It never throws. */
export function createRequestListener(
  service: UniversalHandlerFn,
  options: RequestListenerOptions,
): (request: NodeRequest, response: NodeResponse) => void {
  return (request, response) => {
    void respond(service, options, request, response).catch(() => {
      // The caller hung up, or the connection broke: there is nobody left to tell.
      response.destroy();
    });
  };
}

/**
 * An HTTP/1.1 connection is closed after so many refused requests in a row, because reading a
 * request of many headers costs more than refusing it. HTTP/2 has its own gate.
 */
const MAX_REFUSED_IN_A_ROW = 16;

const refusedInARow: WeakMap<object, number> = /* @__PURE__ */ new WeakMap();

function countRefused(socket: object | undefined): number {
  if (socket === undefined) return 0;
  const refused = (refusedInARow.get(socket) ?? 0) + 1;
  refusedInARow.set(socket, refused);
  return refused;
}

async function respond(
  service: UniversalHandlerFn,
  options: RequestListenerOptions,
  request: NodeRequest,
  response: NodeResponse,
): Promise<void> {
  // A reset reaches the call through its signal; without a listener it would be an uncaught
  // exception as well.
  request.on("error", ignore);
  response.on("error", ignore);
  dropUnreadBody(request, response);
  const socket = socketOf(request);
  const exchange = new ResponseExchange(response, socket, options.output);
  const get = (name: string) => {
    const value = request.headers[name];
    return typeof value === "string" ? value : null;
  };
  const { trustedProxies, hooks, gate } = options;
  const clientIp = clientAddress({ get }, socket?.remoteAddress, trustedProxies, options);
  const isJudged = options.areStreamsJudged === true && request instanceof Http2ServerRequest;
  const entered = isJudged
    ? undefined
    : gate?.enter({
        method: request.method,
        target: request.url ?? "",
        contentType: get("content-type") ?? "",
        connection: exchange.connection,
        clientIp,
      });
  if (typeof entered === "function") {
    if (socket !== undefined) refusedInARow.delete(socket);
    onceClosed(response, entered);
  } else if (entered !== undefined) {
    hooks.onRefused?.(entered.reason, { clientAddress: clientIp && formatAddress(clientIp) });
    const isFlood = entered.isFlood || countRefused(socket) > MAX_REFUSED_IN_A_ROW;
    if (isFlood && exchange.connection?.client !== undefined)
      closeAfter(request, response, exchange);
    exchange.writePage(entered.page);
    return;
  }
  let mayGoOn = true;
  const universal = toUniversal(request, response, () => {
    mayGoOn = gate?.takeMalformed({ connection: exchange.connection, clientIp }) ?? true;
  });
  if (universal === undefined) {
    hooks.onRefused?.("bad_target", { clientAddress: clientIp && formatAddress(clientIp) });
  }
  const answer =
    universal === undefined
      ? pageResponse(badRequest("The request target is not valid."))
      : await service(universal);
  if (!mayGoOn) {
    hooks.onRefused?.("probe_limit", { clientAddress: clientIp && formatAddress(clientIp) });
    closeAfter(request, response, exchange);
  }
  await exchange.write(answer, clientIp);
}

/** Closes the connection when the answer has gone. */
function closeAfter(
  request: NodeRequest,
  response: NodeResponse,
  exchange: ResponseExchange,
): void {
  exchange.connection?.flooded();
  if (request instanceof Http2ServerRequest) {
    // A stream that has closed does not know its session any more.
    const { session } = request.stream;
    if (session !== undefined) onceClosed(response, () => closeFloodedSession(session));
  } else {
    (response as ServerResponse).shouldKeepAlive = false;
    response.once("finish", () => request.socket.destroySoon());
  }
}

/** @returns `undefined` if the target is not in normal form or makes no URL. */
function toUniversal(
  request: NodeRequest,
  response: NodeResponse,
  onMalformed: () => void,
): UniversalServerRequest | undefined {
  const { method = "", url = "" } = request;
  if (!isNormalTarget(method, url, !(request instanceof Http2ServerRequest))) return undefined;
  // One name is as good as another here, and clients get theirs wrong: Node's own leaves out the
  // brackets of an IPv6 address.
  const base = "http://localhost";
  const target = URL.parse(url, base);
  const header = webHeaders(request);
  if (target === null || header === undefined) return undefined;
  // By hand: Connect's conversion makes a DOMException of each request that ends well.
  const controller = new AbortController();
  onceClosed(response, () => controller.abort(CALLER_LEFT));
  return {
    httpVersion: request.httpVersion,
    method,
    url: target.href,
    header,
    body: bodyOf(request),
    signal: controller.signal,
    contextValues: peerContext(socketOf(request)?.remoteAddress).set(malformedKey, onMalformed),
  };
}

/** @returns `undefined` for a header that `Headers` does not take. */
function webHeaders({ headers }: NodeRequest): Headers | undefined {
  const web = new Headers();
  try {
    for (const name in headers) {
      const value = headers[name];
      if (value === undefined || name.startsWith(":")) continue;
      if (typeof value === "string") web.append(name, value);
      else for (const item of value) web.append(name, item);
    }
  } catch {
    return undefined;
  }
  return web;
}

/** Leaves the request alone when its reader stops: its answer may be on its way. */
async function* bodyOf(request: NodeRequest): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* request.iterator({ destroyOnReturn: false });
  } catch {
    throw CALLER_LEFT;
  }
}

function socketOf(
  request: NodeRequest,
): { readonly remoteAddress?: string | undefined } | undefined {
  // The session's own socket: the one of an HTTP/2 request is a proxy that looks everything up
  // again.
  return request instanceof Http2ServerRequest ? request.stream.session?.socket : request.socket;
}

/** What is read of a request's body after its answer before the rest is declined, in bytes. */
const MAX_DROPPED_BYTES = 65_536;

/** How long the rest of a body may take after its answer. */
const DROP_LIMIT_MS = 1000;

/** Ends a request whose answer is complete before it is itself, such as one that is too large. */
function dropUnreadBody(request: NodeRequest, response: NodeResponse): void {
  if (request instanceof Http2ServerRequest) {
    const { stream } = request;
    // Emitted when all of the body is sent, and the trailers after it are queued by an earlier
    // listener.
    stream.once("wantTrailers", () => {
      if (!request.complete) setImmediate(() => dropRest(request));
    });
  } else {
    response.once("finish", () => {
      if (!request.complete) request.socket.destroySoon();
    });
  }
}

/**
 * Lets a body that is nearly over come to its end, as the protocol has it, and declines more: RFC
 * 9113 section 8.1 asks for a reset without an error then.
 */
function dropRest(request: Http2ServerRequest): void {
  const { stream } = request;
  const decline = () => {
    stream.close();
    // A closed stream with something left to read would stay.
    stream.resume();
  };
  const timer = setTimeout(decline, DROP_LIMIT_MS).unref();
  stream.once("close", () => clearTimeout(timer));
  let dropped = 0;
  request.on("data", (chunk: Uint8Array) => {
    dropped += chunk.length;
    if (dropped > MAX_DROPPED_BYTES) decline();
  });
  request.resume();
}
