/**
 * Small answers as they go over the wire: headers, a message in its frame, trailers.
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 * @module
 */
import type { OutgoingHttpHeaders } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { ENVELOPE_HEAD_BYTES, ENVELOPE_LENGTH_OFFSET } from "../../protocol/envelope.ts";
import type { HelloAnswer } from "../../server/rpc/procedures.ts";
import type { RpcStatus } from "../../server/rpc/rpc-status.ts";

/** The headers of every answer with messages. `respond` does not change them. */
export const ANSWER_HEADERS: OutgoingHttpHeaders = /* @__PURE__ */ Object.freeze({
  ":status": 200,
  "content-type": "application/grpc+proto",
});

/** The trailers of a call that succeeded. */
export const OK_TRAILERS: OutgoingHttpHeaders = /* @__PURE__ */ Object.freeze({
  "grpc-status": "0",
});

/** The answer of methods whose response is empty. */
export const EMPTY_FRAME: Buffer = /* @__PURE__ */ Buffer.alloc(ENVELOPE_HEAD_BYTES);

const REDIRECT_TAG = (1 << 3) | 2;
const REDIRECT_ENDPOINT_TAG = (1 << 3) | 2;
const CLIENT_IP_TAG = (2 << 3) | 2;

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

/** `HelloResponse` */
export function helloFrame({ redirectEndpoint, clientIp }: HelloAnswer): Buffer {
  const parts: Uint8Array[] = [];
  if (redirectEndpoint !== undefined) {
    const endpoint = field(REDIRECT_ENDPOINT_TAG, Buffer.from(redirectEndpoint));
    parts.push(field(REDIRECT_TAG, endpoint));
  }
  if (clientIp.length > 0) parts.push(field(CLIENT_IP_TAG, clientIp));
  return frame(parts);
}

/** One small message out of fields. */
function frame(fields: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of fields) length += part.length;
  const bytes = Buffer.allocUnsafe(ENVELOPE_HEAD_BYTES + length);
  bytes[0] = 0;
  bytes.writeUInt32BE(length, ENVELOPE_LENGTH_OFFSET);
  let at = ENVELOPE_HEAD_BYTES;
  for (const part of fields) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A field whose tag has one byte. */
function field(tag: number, payload: Uint8Array): Uint8Array {
  const head = [tag];
  let rest = payload.length;
  for (; rest > 0x7f; rest >>>= 7) head.push((rest & 0x7f) | 0x80);
  head.push(rest);
  const bytes = new Uint8Array(head.length + payload.length);
  bytes.set(head);
  bytes.set(payload, head.length);
  return bytes;
}
