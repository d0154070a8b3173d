/**
 * HTTP/1.1 with the limits that every port has: on headers, requests, and those that are not
 * answered yet.
 * @module
 */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import type { ServerHooks } from "../../server/rpc/call-report.ts";
import type { RefusalReason } from "../../server/rpc/refusal-reason.ts";
import { ignore } from "../ignore.ts";
import { peerDetails } from "./connections.ts";

export interface Http1ServerOptions {
  readonly maxHeaderBytes: number;
  /** How long the headers of a request may take. */
  readonly headersTimeoutMs: number;
  /** How long a whole request may take. */
  readonly requestTimeoutMs: number;
  /** How long a connection may wait for its next request. */
  readonly keepAliveTimeoutMs: number;
  readonly onRefused?: ServerHooks["onRefused"];
}

/** How often deadlines are looked at. */
const CHECK_INTERVAL_MS = 5000;

/** How long a refused connection may take to read why. */
const REFUSAL_LINGER_MS = 1000;

/**
 * Requests of a connection that have not been answered. Node runs all that a chunk of 64 KiB has
 * in it at once; browsers and proxies send one after the other.
 */
const MAX_UNANSWERED_REQUESTS = 16;

/** What may stand in `Host`: RFC 3986 section 3.2.2 and a port. Brackets may be missing. */
const HOST_CHARACTERS = /^[\w.~!$&'()*+,;=%:[\]-]*$/;

/** RFC 9112 section 3.2: the forms that are no path. */
const ABSOLUTE_TARGET = /^https?:\/\/[^/?#]/i;

const STATE: unique symbol = Symbol("state");

interface SocketState {
  unanswered: number;
  /** Whether the last request was refused, after which no other counts. */
  isEnding: boolean;
}

interface HeldSocket extends Socket {
  [STATE]?: SocketState | undefined;
  /** The answer that is being written. */
  readonly _httpMessage?: ServerResponse | null | undefined;
}

/** Creates a server that is not listening; connections may also be handed to it. */
export function createHttp1Server(
  listener: (request: IncomingMessage, response: ServerResponse) => void,
  options: Http1ServerOptions,
  serverOptions: Pick<ServerOptions, "keepAlive" | "keepAliveInitialDelay"> = {},
): Server {
  const { maxHeaderBytes, headersTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs } = options;
  const { onRefused = ignore } = options;
  const server = createServer({
    ...serverOptions,
    noDelay: true,
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, headersTimeoutMs),
    // Checked below, with what Node leaves unchecked.
    requireHostHeader: false,
  });
  server.on("error", ignore);
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (error.code === "ECONNRESET" || !socket.writable) {
      socket.destroy();
      return;
    }
    // What follows a refused request; the answer to it ends the connection.
    if (stateOf(socket as Socket).isEnding) return;
    onRefused(REASON_BY_ERROR.get(error.code) ?? "not_http", peerDetails(socket));
    const isAnswering = (socket as HeldSocket)._httpMessage?.headersSent === true;
    if (isAnswering || error.code === "HPE_INVALID_METHOD") {
      // No HTTP at all, or HTTP/2 with a broken preface, which RFC 9113 section 3.4 has us close.
      // And what is said in the middle of an answer would be a part of it.
      socket.destroy();
      return;
    }
    refuseHttp1(socket as Socket, "This is not HTTP/1.1.", statusOf(error.code));
  });
  const receive = (request: IncomingMessage, response: ServerResponse, isExpectable: boolean) => {
    const state = stateOf(request.socket);
    // Others of the same chunk are still handed on after one that ended the connection.
    if (request.socket.destroyed || state.isEnding) return;
    if (state.unanswered === MAX_UNANSWERED_REQUESTS) {
      onRefused("pipeline_limit", peerDetails(request.socket));
      request.socket.destroy();
      return;
    }
    state.unanswered++;
    response.once("close", () => {
      state.unanswered--;
    });
    const invalid = invalidity(request);
    if (invalid !== undefined) {
      state.isEnding = true;
      onRefused("malformed", peerDetails(request.socket));
      endWith(response, 400, invalid);
    } else if (!isExpectable) {
      state.isEnding = true;
      endWith(response, 417, "Only 100-continue may be expected.");
    } else {
      listener(request, response);
    }
  };
  server.on("request", (request, response) => receive(request, response, true));
  server.on("checkExpectation", (request, response) => receive(request, response, false));
  return server;
}

/** Tells in HTTP/1.1, which most clients show when they meet it where something else was due. */
export function refuseHttp1(socket: Socket, reason: string, status = "400 Bad Request"): void {
  const text = `${reason}\n`;
  const timer = setTimeout(() => socket.destroy(), REFUSAL_LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
  socket.resume();
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${text.length}\r\n\r\n${text}`,
  );
}

function endWith(response: ServerResponse, status: number, text: string): void {
  response.on("error", ignore);
  response.statusCode = status;
  response.setHeader("Connection", "close");
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  response.end(`${text}\n`);
}

function stateOf(socket: HeldSocket): SocketState {
  let state = socket[STATE];
  if (state === undefined) {
    state = { unanswered: 0, isEnding: false };
    socket[STATE] = state;
  }
  return state;
}

/**
 * What RFC 9112 section 3.2 has a server refuse, and Node's parser lets through.
 *
 * @returns `undefined` if the request is valid.
 */
function invalidity({
  url = "",
  method,
  rawHeaders,
  httpVersion,
  httpVersionMajor,
}: IncomingMessage): string | undefined {
  if (httpVersionMajor !== 1) return "This is not HTTP/1.1.";
  let hosts = 0;
  let host = "";
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() !== "host") continue;
    hosts++;
    host = rawHeaders[i + 1] ?? "";
  }
  if (hosts > 1) return "There is more than one Host header.";
  if (hosts === 0 && httpVersion !== "1.0") return "The Host header is missing.";
  if (!HOST_CHARACTERS.test(host)) return "The Host header is not valid.";
  const isTarget =
    url.startsWith("/") || ABSOLUTE_TARGET.test(url) || (url === "*" && method === "OPTIONS");
  return isTarget ? undefined : "The request target is not valid.";
}

const REASON_BY_ERROR: ReadonlyMap<string | undefined, RefusalReason> = new Map([
  ["ERR_HTTP_REQUEST_TIMEOUT", "connection_timeout"],
  ["HPE_HEADER_OVERFLOW", "headers_too_large"],
]);

function statusOf(code: string | undefined): string {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return "408 Request Timeout";
  if (code === "HPE_HEADER_OVERFLOW") return "431 Request Header Fields Too Large";
  return "400 Bad Request";
}
