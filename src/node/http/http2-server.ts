/**
 * HTTP/2 without a port of its own: connections are handed to it.
 * @module
 */
import {
  constants,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Stream,
} from "node:http2";
import type { ServerHooks } from "../../server/rpc/call-report.ts";
import type { TakeStream } from "../grpc/fast-path.ts";
import { ignore } from "../ignore.ts";
import type { ResolvedConnectionLimits } from "./connection-limits.ts";
import { connectionOf } from "./connections.ts";
import type { StreamGate } from "./stream-gate.ts";

export interface Http2ServerOptions {
  readonly limits: ResolvedConnectionLimits;
  /** Is offered every stream before it becomes a request. */
  readonly takeStream?: TakeStream | undefined;
  /** Judges those that it does not take. @default none is refused */
  readonly streamGate?: StreamGate | undefined;
  readonly onRefused: NonNullable<ServerHooks["onRefused"]>;
}

type Listener = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/**
 * Unsent answers of one connection in MB, beyond which it takes no new streams: a few of the
 * largest snapshots.
 */
const MAX_SESSION_MEMORY_MB = 64;

/** Creates the server. */
export function createHttp2Server(
  listener: Listener,
  { limits, takeStream, streamGate, onRefused }: Http2ServerOptions,
): Http2Server {
  const { maxStreamsPerConnection, maxConnectStreamsPerConnection } = limits;
  const http2 = createServer({
    settings: {
      maxConcurrentStreams:
        takeStream === undefined
          ? Math.min(maxStreamsPerConnection, maxConnectStreamsPerConnection)
          : maxStreamsPerConnection,
      maxHeaderListSize: limits.maxHeaderBytes,
    },
    maxSessionMemory: MAX_SESSION_MEMORY_MB,
  });
  http2.on("error", ignore);
  http2.on("sessionError", ignore);
  if (takeStream === undefined) {
    answerRequests(http2, listener);
    return http2;
  }
  // Only a server turns streams into requests, all of them, as soon as it has a listener. This one
  // never sees a connection.
  const requests = createServer();
  answerRequests(requests, listener);
  http2.on("stream", (stream: ServerHttp2Stream, headers, flags, rawHeaders) => {
    if (takeStream(stream, headers)) return;
    const connection = stream.session && connectionOf(stream.session.socket);
    if (connection !== undefined) {
      if (connection.connectStreams >= maxConnectStreamsPerConnection) {
        onRefused("stream_limit", { clientAddress: connection.address });
        stream.on("error", ignore);
        stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
        // A closed stream with something left to read would stay.
        stream.resume();
        return;
      }
    }
    if (streamGate?.(stream, headers) === false) return;
    if (connection !== undefined) {
      connection.connectStreams++;
      stream.once("close", () => {
        connection.connectStreams--;
      });
    }
    requests.emit("stream", stream, headers, flags, rawHeaders);
  });
  return http2;
}

function answerRequests(server: Http2Server, listener: Listener): void {
  server.on("request", listener);
  // Node answers 405 by itself, and leaves the stream open for the bytes of a tunnel.
  server.on("connect", (request: Http2ServerRequest, response: Http2ServerResponse) => {
    const { stream } = request;
    stream.on("error", ignore);
    request.on("error", ignore);
    response.on("error", ignore);
    response.statusCode = 405;
    response.end();
    setImmediate(() => {
      stream.close();
      stream.resume();
    });
  });
}
