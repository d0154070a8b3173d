/**
 * HTTP/2, HTTP/1.1 and TLS on one TCP port, with one request listener behind all of them.
 *
 * One server owns the port, looks at how a connection begins, and hands it to servers that do not
 * listen themselves. Nothing that a caller sends or fails to send may throw here: all errors of
 * connections end with the connection.
 * @module
 */

import type { ServerHttp2Session } from "node:http2";
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from "node:net";
import { versions } from "node:process";
import type { ByteRate } from "../../server/limits/byte-rate.ts";
import type { ServerHooks } from "../../server/rpc/call-report.ts";
import type { TakeStream } from "../grpc/fast-path.ts";
import { ignore } from "../ignore.ts";
import type { TlsCredentials } from "../tls/tls-credentials.ts";
import { createTlsDoor } from "../tls/tls-door.ts";
import { type ResolvedConnectionLimits, TCP_KEEPALIVE_MS } from "./connection-limits.ts";
import { sniffProtocol } from "./connection-sniffer.ts";
import { type Connections, connectionOf, peerDetails } from "./connections.ts";
import { createHttp1Server, refuseHttp1 } from "./http1-server.ts";
import { createHttp2Server } from "./http2-server.ts";
import type { NodeRequest, NodeResponse } from "./request-listener.ts";
import type { StreamGate } from "./stream-gate.ts";

export interface OnePortServerOptions {
  readonly tls: TlsCredentials | undefined;
  /** How long a TLS handshake may take. */
  readonly connectTimeoutMs: number;
  readonly limits: ResolvedConnectionLimits;
  /** Where the connections of this port are registered. */
  readonly connections: Connections;
  /** How many bytes one client may send. @default no limit */
  readonly uploadRate?: ByteRate | false | undefined;
  /** Is offered every HTTP/2 stream before it becomes a request. */
  readonly takeStream?: TakeStream | undefined;
  /** Judges streams that are not taken. @default none is refused */
  readonly streamGate?: StreamGate | undefined;
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

/** Longest time for a whole HTTP/1.1 request. */
const HTTP1_REQUEST_TIMEOUT_MS = 30_000;

/**
 * Longer than the 60 s after which common proxies drop idle connections, so that they never race
 * with us.
 */
const HTTP1_KEEPALIVE_MS = 65_000;

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
  options: OnePortServerOptions,
): OnePortServer {
  const { tls, connectTimeoutMs, limits, connections, uploadRate, takeStream, streamGate } =
    options;
  const { onRefused = ignore } = options;
  let closing = false;
  const { firstByteTimeoutMs } = limits;
  const http1 = createHttp1Server(
    (request, response) => {
      if (closing || !KEEPS_HANDED_HTTP1) response.setHeader("Connection", "close");
      response.once("close", () => closing && http1.closeIdleConnections());
      listener(request, response);
    },
    {
      maxHeaderBytes: limits.maxHeaderBytes,
      headersTimeoutMs: firstByteTimeoutMs,
      requestTimeoutMs: Math.max(HTTP1_REQUEST_TIMEOUT_MS, firstByteTimeoutMs),
      keepAliveTimeoutMs: Math.min(HTTP1_KEEPALIVE_MS, limits.idleTimeoutMs),
      onRefused,
    },
  );
  // It never listens itself; this starts the checks of its deadlines.
  http1.emit("listening");
  const http2 = createHttp2Server(listener, { limits, takeStream, streamGate, onRefused });
  const port = connections.openPort(limits.maxConnections, {
    isTls: tls !== undefined,
    uploadRate,
  });
  connections.followSessions(http2);
  const secure =
    tls &&
    createTlsDoor(tls, {
      handshakeTimeoutMs: connectTimeoutMs,
      clientOf: (socket) => connectionOf(socket)?.client,
      onFailure: (socket) => onRefused("tls_handshake", peerDetails(socket)),
      onConnection(socket) {
        connections.followTls(socket);
        (socket.alpnProtocol === "h2" ? http2 : http1).emit("connection", socket);
      },
    });
  const sessions = new Set<ServerHttp2Session>();
  http2.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  const silent = new Set<Socket>();

  const tcp = createTcpServer({
    // HTTP/1.1 answers callers that have closed their half; the others set it back.
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEPALIVE_MS,
  });
  tcp.on("connection", (socket) => {
    if (port.accept(socket) === undefined) return;
    silent.add(socket);
    socket.on("close", () => silent.delete(socket));
    socket.on("error", ignore);
    sniffProtocol(socket, firstByteTimeoutMs, (protocol) => {
      silent.delete(socket);
      if (protocol === "silent") {
        onRefused("connection_timeout", peerDetails(socket));
        return;
      }
      socket.allowHalfOpen = protocol === "http1" && secure === undefined;
      if ((protocol === "tls") !== (secure !== undefined)) {
        onRefused("wrong_scheme", peerDetails(socket));
      }
      if (secure !== undefined) {
        if (protocol === "tls") secure.accept(socket);
        else refuseHttp1(socket, "This port speaks TLS: use https:// or grpc://.");
      } else if (protocol === "tls") {
        refuseHttp1(socket, "This port speaks plaintext: use http://.");
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
      const closed = new Promise<void>((resolve) => tcp.close(() => resolve()));
      // Sessions take no new streams, and end with their last one; idle connections end at once.
      http2.close();
      // Node 22 leaves them open.
      for (const session of sessions) session.close();
      http1.close();
      secure?.close();
      for (const socket of silent) socket.destroy();
      const timer = setTimeout(() => port.destroyAll(), shutdownTimeoutMs);
      return closed.finally(() => clearTimeout(timer));
    },
  };
}
