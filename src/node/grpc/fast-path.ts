/**
 * The procedures without a framework, on the streams of `node:http2`, in every protocol.
 *
 * Connect's handler spends most of its time in promises, generators and signals, which a registry
 * in memory has no use for: it answers at once. Here an answer goes out in the turn in which its
 * request was complete. What is unusual (compression, other content types, preflights, HTTP/1.1) is
 * left to Connect, and both give the same answers.
 * @see docs/architecture.md
 * @module
 */
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { versions } from "node:process";
import { protocolVersion } from "@connectrpc/connect/protocol-connect";
import type { Procedures } from "../../server/rpc/procedures.ts";
import { ConnectionPeer } from "./connection-peer.ts";
import { corsHeaders } from "./cors-headers.ts";
import type { GrpcService } from "./grpc-service.ts";
import { grpcMethods } from "./methods.ts";
import { answerGrpcStream } from "./stream.ts";
import { createWireFormats, type WireFormat } from "./wire-format.ts";

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
 * Makes the function that takes the streams of calls.
 *
 * @param procedures - The same that Connect's handler has; so are options and encoder.
 */
export function createGrpcFastPath(procedures: Procedures, service: GrpcService): TakeStream {
  const { options, encoder } = service;
  const formats = new Map(
    [...createWireFormats(corsHeaders(options.corsOrigins, NO_ORIGIN))].map(([type, format]) => [
      type,
      { format, methods: grpcMethods(procedures, encoder, format) },
    ]),
  );
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
    if (headers[":method"] !== "POST") return false;
    const found = formats.get(headers["content-type"] as string);
    const method = found?.methods.get(headers[":path"] as string);
    const { session } = stream;
    if (method === undefined || session === undefined || !isPlain(headers, method.format)) {
      return false;
    }
    answerGrpcStream(stream, headers, method, peerOf(session as ServerHttp2Session), service);
    return true;
  };
}

/** What {@link corsHeaders} gives for a request of no page. */
const NO_ORIGIN: IncomingHttpHeaders = /* @__PURE__ */ Object.freeze({});

/** Whether nothing is asked for that Connect's handler has to do: compression, "100 Continue". */
function isPlain(headers: IncomingHttpHeaders, { encodingHeader }: WireFormat): boolean {
  // Answers to any call name our compressions if this header names another one.
  const grpcEncoding = headers["grpc-encoding"];
  if (grpcEncoding !== undefined && grpcEncoding !== "identity") return false;
  if (headers.expect !== undefined) return false;
  if (encodingHeader === "grpc-encoding") return true;
  const encoding = headers[encodingHeader];
  if (encoding !== undefined && encoding !== "identity") return false;
  const version = headers["connect-protocol-version"];
  return version === undefined || version === protocolVersion;
}
