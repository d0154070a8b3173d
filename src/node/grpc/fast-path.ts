/**
 * Plain gRPC without a framework: the calls of nodes, on the streams of `node:http2`.
 *
 * Connect's handler takes every protocol and spends most of its time in promises, generators and
 * signals, which a registry in memory has no use for: it answers at once. Here an answer goes out
 * in the turn in which its request was complete. All that is not plain (other protocols,
 * compression, JSON, browsers) is left to Connect, and both give the same answers.
 * @see docs/architecture.md
 * @module
 */
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { versions } from "node:process";
import type { Procedures } from "../../server/rpc/procedures.ts";
import { ConnectionPeer } from "./connection-peer.ts";
import type { GrpcService } from "./grpc-service.ts";
import { grpcMethods } from "./methods.ts";
import { answerGrpcStream } from "./stream.ts";

/**
 * Whether the streams of `node:http2` can be answered without its requests and responses. That
 * needs Node's order of events, trailers and flow control. Bun 1.4.5 ends with `free(): invalid
 * pointer` after some hundred calls; Deno 2.9.6 answers such calls, but its flow control has not
 * been tested yet.
 */
export const GIVES_HTTP2_STREAMS: boolean =
  versions.deno === undefined && versions.bun === undefined;

/** Answers a stream, or returns false and leaves it untouched. */
export type TakeStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean;

/**
 * Makes the function that takes the streams of nodes.
 *
 * @param procedures - The same that Connect's handler has; so are options and encoder.
 */
export function createGrpcFastPath(procedures: Procedures, service: GrpcService): TakeStream {
  const { options, encoder } = service;
  const methods = grpcMethods(procedures, encoder);
  const peers = new WeakMap<ServerHttp2Session, ConnectionPeer>();

  function peerOf(session: ServerHttp2Session): ConnectionPeer {
    let peer = peers.get(session);
    if (peer === undefined) {
      peer = new ConnectionPeer(session, options);
      peers.set(session, peer);
    }
    return peer;
  }

  return (stream, headers) => {
    if (headers[":method"] !== "POST" || !isPlainGrpc(headers)) return false;
    const method = methods.get(headers[":path"] as string);
    const { session } = stream;
    if (method === undefined || session === undefined) return false;
    answerGrpcStream(stream, headers, method, peerOf(session as ServerHttp2Session), service);
    return true;
  };
}

/**
 * Whether nothing is asked for that Connect's handler has to do: JSON, compression, CORS, "100
 * Continue".
 */
function isPlainGrpc(headers: IncomingHttpHeaders): boolean {
  const contentType = headers["content-type"];
  if (contentType !== "application/grpc" && contentType !== "application/grpc+proto") return false;
  const encoding = headers["grpc-encoding"];
  if (encoding !== undefined && encoding !== "identity") return false;
  return headers.origin === undefined && headers.expect === undefined;
}
