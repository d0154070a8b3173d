/**
 * How gRPC says in headers and trailers what came of a call.
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 * @module
 */
import type { OutgoingHttpHeaders } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import type { RpcStatus } from "../../server/rpc/rpc-status.ts";

/** Of every answer with messages. Not changed by `respond`. */
export const ANSWER_HEADERS: OutgoingHttpHeaders = /* @__PURE__ */ Object.freeze({
  ":status": 200,
  "content-type": "application/grpc+proto",
});

export const OK_TRAILERS: OutgoingHttpHeaders = /* @__PURE__ */ Object.freeze({
  "grpc-status": "0",
});

/** The trailers of a call that failed. The text is percent-encoded, as headers take ASCII only. */
export function statusTrailers({ code, message }: RpcStatus): OutgoingHttpHeaders {
  return { "grpc-status": String(code), "grpc-message": encodeURIComponent(message) };
}

/** `Trailers-Only`: the answer to a call that failed before its first message. */
export function failureHeaders(status: RpcStatus): OutgoingHttpHeaders {
  return { ...ANSWER_HEADERS, ...statusTrailers(status) };
}

/** The deadline has passed, in Connect's words. */
export function deadlineExceeded(): ConnectError {
  return new ConnectError("the operation timed out", Code.DeadlineExceeded);
}
