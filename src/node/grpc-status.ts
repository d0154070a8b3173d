/**
 * How gRPC says in headers and trailers what came of a call, and until when its caller waits.
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 * @module
 */
import type { OutgoingHttpHeaders } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import type { RpcStatus } from "../server/rpc-status.ts";

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

const UNIT_MS: Readonly<Record<string, number>> = /* @__PURE__ */ Object.freeze({
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
});

/** "TimeoutValue": at most 8 digits; "TimeoutUnit". */
const TIMEOUT = /^(\d{1,8})([HMSmun])$/;

/**
 * Reads `grpc-timeout`, in ms.
 *
 * @throws {ConnectError} `InvalidArgument`, in Connect's words.
 */
export function parseGrpcTimeout(text: string): number {
  const [, digits, unit = ""] = TIMEOUT.exec(text) ?? [];
  const unitMs = UNIT_MS[unit];
  if (digits === undefined || unitMs === undefined) {
    const message = `protocol error: invalid grpc timeout value: ${text}`;
    throw new ConnectError(message, Code.InvalidArgument);
  }
  return Number(digits) * unitMs;
}

/** The deadline has passed, in Connect's words. */
export function deadlineExceeded(): ConnectError {
  return new ConnectError("the operation timed out", Code.DeadlineExceeded);
}
