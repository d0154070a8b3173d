/**
 * HTTP/2, HTTP/1.1 and TLS on one TCP port, with one request listener behind all of them.
 *
 * One server owns the port, looks at how a connection begins, and hands it to servers that do not
 * listen themselves. Nothing that a caller sends or fails to send may throw here: all errors of
 * connections end with the connection.
 * @module
 */

import { createServer as createHttp1Server, type Server as Http1Server } from "node:http";
import {
  createServer as createHttp2Server,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from "node:net";
import { versions } from "node:process";
import type { ServerHooks } from "../../server/rpc/call-report.ts";
import type { RefusalReason } from "../../server/rpc/refusal-reason.ts";
import type { TakeStream } from "../grpc/fast-path.ts";
import { ignore } from "../ignore.ts";
import type { TlsCredentials } from "../tls/tls-credentials.ts";
import { createTlsDoor } from "../tls/tls-door.ts";
import type { ResolvedConnectionLimits } from "./connection-limits.ts";
import { sniffProtocol } from "./connection-sniffer.ts";
import { closeIdleSessions } from "./idle-sessions.ts";
import type { NodeRequest, NodeResponse } from "./request-listener.ts";

export interface OnePortServerOptions {
  readonly tls: TlsCredentials | undefined;
  /** How long a TLS handshake may take. */
  readonly connectTimeoutMs: number;
  readonly limits: ResolvedConnectionLimits;
  /** Is offered every HTTP/2 stream before it becomes a request. */
  readonly takeStream?: TakeStream | undefined;
  readonly onRefused?: ServerHooks["onRefused"];
}

/** The servers behind a port. */
export interface OnePortServer {
  readonly tcp: TcpServer;
  /**
   * Connections that begin from now on see these. Only where it speaks TLS.
   *
   * @throws {DiscoveryError} `ERR_CERTIFICATE_INVALID`; all stays as it was.
   */
  replaceTls(credentials: TlsCredentials): void;
  /**
   * Stops accepting; connections end after the calls in progress, and at the latest after
   * `shutdownTimeoutMs`.
   */
  close(shutdownTimeoutMs: number): Promise<void>;
}

/**
 * Unsent answers of one HTTP/2 connection in MB, beyond which it takes no new streams: a few of the
 * largest snapshots.
 */
const MAX_SESSION_MEMORY_MB = 64;

/**
 * A peer that vanished without a word is noticed by the kernel, which asks after this much silence.
 */
const TCP_KEEPALIVE_MS = 30_000;

/** Longest time for a whole HTTP/1.1 request. */
const HTTP1_REQUEST_TIMEOUT_MS = 30_000;

/**
 * Longer than the 60 s after which common proxies drop idle connections, so that they never race
 * with us.
 */
const HTTP1_KEEPALIVE_MS = 65_000;

/** How often HTTP/1.1 deadlines are looked at. */
const HTTP1_CHECK_INTERVAL_MS = 5000;

/** How long a refused connection may take to read why. */
const REFUSAL_LINGER_MS = 1000;

/**
 * Whether HTTP/1.1 connections that were handed to a server stay open after an answer. Deno (seen
 * with 2.9.6) closes them, though the answer has promised to keep them; a caller that sends its
 * next request then loses it.
 */
const KEEPS_HANDED_HTTP1: boolean = versions.deno === undefined;

/**
 * Wires the servers together. `tcp` is not listening yet.
 *
 * @throws {DiscoveryError} `ERR_CERTIFICATE_INVALID`
 */
export function createOnePortServer(
  listener: (request: NodeRequest, response: NodeResponse) => void,
  { tls, connectTimeoutMs, limits, takeStream, onRefused = ignore }: OnePortServerOptions,
): OnePortServer {
  let closing = false;
  const http1 = createHttp1(limits, onRefused);
  const http2 = createHttp2(limits);
  const stopLooking = closeIdleSessions(http2, {
    greetingTimeoutMs: limits.firstByteTimeoutMs,
    idleTimeoutMs: limits.idleTimeoutMs,
    onGreetingTimeout: () => onRefused("connection_timeout"),
    onIdle: () => onRefused("connection_idle"),
  });
  if (takeStream === undefined) http2.on("request", listener);
  else offerStreams(http2, takeStream, listener);
  http1.on("request", (request, response) => {
    if (closing || !KEEPS_HANDED_HTTP1) response.setHeader("Connection", "close");
    response.once("close", () => closing && http1.closeIdleConnections());
    listener(request, response);
  });
  const secure =
    tls &&
    createTlsDoor(tls, {
      handshakeTimeoutMs: connectTimeoutMs,
      onFailure: () => onRefused("tls_handshake"),
      onConnection: (socket) =>
        (socket.alpnProtocol === "h2" ? http2 : http1).emit("connection", socket),
    });
  const sessions = new Set<ServerHttp2Session>();
  http2.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  const sockets = new Set<Socket>();
  const silent = new Set<Socket>();

  const tcp = createTcpServer({
    // HTTP/1.1 answers callers that have closed their half; the others set it back.
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEPALIVE_MS,
  });
  tcp.on("connection", (socket) => {
    if (sockets.size >= limits.maxConnections) {
      socket.destroy();
      onRefused("connection_limit");
      return;
    }
    sockets.add(socket);
    silent.add(socket);
    socket.on("close", () => {
      sockets.delete(socket);
      silent.delete(socket);
    });
    socket.on("error", ignore);
    const { firstByteTimeoutMs } = limits;
    sniffProtocol(socket, firstByteTimeoutMs, (protocol) => {
      silent.delete(socket);
      if (protocol === "silent") {
        onRefused("connection_timeout");
        return;
      }
      socket.allowHalfOpen = protocol === "http1" && secure === undefined;
      if ((protocol === "tls") !== (secure !== undefined)) onRefused("wrong_scheme");
      if (secure !== undefined) {
        if (protocol === "tls") secure.accept(socket);
        else refuse(socket, "This port speaks TLS: use https:// or grpc://.");
      } else if (protocol === "tls") {
        refuse(socket, "This port speaks plaintext: use http://.");
      } else {
        (protocol === "http2" ? http2 : http1).emit("connection", socket);
      }
    });
  });

  return {
    tcp,
    replaceTls: (credentials) => secure?.replace(credentials),
    close(shutdownTimeoutMs) {
      closing = true;
      stopLooking();
      const closed = new Promise<void>((resolve) => tcp.close(() => resolve()));
      // Sessions take no new streams, and end with their last one; idle connections end at once.
      http2.close();
      // Node 22 leaves them open.
      for (const session of sessions) session.close();
      http1.close();
      secure?.close();
      for (const socket of silent) socket.destroy();
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, shutdownTimeoutMs);
      return closed.finally(() => clearTimeout(timer));
    },
  };
}

function createHttp2(limits: ResolvedConnectionLimits): Http2Server {
  const server = createHttp2Server({
    settings: {
      maxConcurrentStreams: limits.maxStreamsPerConnection,
      maxHeaderListSize: limits.maxHeaderBytes,
    },
    maxSessionMemory: MAX_SESSION_MEMORY_MB,
  });
  server.on("error", ignore);
  server.on("sessionError", ignore);
  return server;
}

/** Makes requests of those streams that are not taken. */
function offerStreams(
  http2: Http2Server,
  takeStream: TakeStream,
  listener: (request: NodeRequest, response: NodeResponse) => void,
): void {
  // Only a server turns streams into requests, all of them, as soon as it has a listener. This one
  // never sees a connection.
  const requests = createHttp2Server();
  requests.on("request", listener);
  http2.on("stream", (stream: ServerHttp2Stream, headers, flags, rawHeaders) => {
    if (!takeStream(stream, headers)) requests.emit("stream", stream, headers, flags, rawHeaders);
  });
}

function createHttp1(
  { firstByteTimeoutMs, idleTimeoutMs, maxHeaderBytes }: ResolvedConnectionLimits,
  onRefused: (reason: RefusalReason) => void,
): Http1Server {
  const server = createHttp1Server({
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: firstByteTimeoutMs,
    requestTimeout: Math.max(HTTP1_REQUEST_TIMEOUT_MS, firstByteTimeoutMs),
    keepAliveTimeout: Math.min(HTTP1_KEEPALIVE_MS, idleTimeoutMs),
    connectionsCheckingInterval: Math.min(HTTP1_CHECK_INTERVAL_MS, firstByteTimeoutMs),
  });
  server.on("error", ignore);
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (error.code === "ECONNRESET" || !socket.writable) {
      socket.destroy();
      return;
    }
    onRefused(REASON_BY_ERROR.get(error.code) ?? "not_http");
    if (error.code === "HPE_INVALID_METHOD") {
      // No HTTP at all, or HTTP/2 with a broken preface, which RFC 9113 section 3.4 has us close.
      socket.destroy();
      return;
    }
    refuse(socket as Socket, "This is not HTTP/1.1.", statusOf(error.code));
  });
  // It never listens itself; this starts the checks of its deadlines.
  server.emit("listening");
  return server;
}

/** Tells in HTTP/1.1, which most clients show when they meet it where something else was due. */
function refuse(socket: Socket, reason: string, status = "400 Bad Request"): void {
  const text = `${reason}\n`;
  socket.setTimeout(REFUSAL_LINGER_MS, () => socket.destroy());
  socket.resume();
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${text.length}\r\n\r\n${text}`,
  );
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
