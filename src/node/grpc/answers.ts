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

/** The trailers of a call that succeeded. */
export const OK_TRAILERS: OutgoingHttpHeaders = /* @__PURE__ */ Object.freeze({
  "grpc-status": "0",
});

/** The answer of methods whose response is empty. */
export const EMPTY_FRAME: Buffer = /* @__PURE__ */ Buffer.alloc(ENVELOPE_HEAD_BYTES);

/** The same as JSON. */
export const EMPTY_JSON_FRAME: Buffer = /* @__PURE__ */ envelope([Buffer.of(0x7b, 0x7d)]);

const REDIRECT_TAG = (1 << 3) | 2;
const REDIRECT_ENDPOINT_TAG = (1 << 3) | 2;
const CLIENT_IP_TAG = (2 << 3) | 2;

/**
 * The trailers of a call that failed. The text is percent-encoded, as headers take ASCII only; it
 * may hold what a caller sent, such as half a surrogate pair in JSON.
 */
export function statusTrailers({ code, message }: RpcStatus): OutgoingHttpHeaders {
  const text = encodeURIComponent(message.toWellFormed());
  return { "grpc-status": String(code), "grpc-message": text };
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
  return envelope(parts);
}

/** `HelloResponse` as JSON, in its envelope like {@link helloFrame}. */
export function helloJsonFrame({ redirectEndpoint, clientIp }: HelloAnswer): Buffer {
  const json = {
    ...(redirectEndpoint !== undefined && { redirect: { endpoint: redirectEndpoint } }),
    ...(clientIp.length > 0 && { clientIp: Buffer.from(clientIp).toString("base64") }),
  };
  return envelope([Buffer.from(JSON.stringify(json))]);
}

/** One small message out of its parts. */
export function envelope(parts: readonly Uint8Array[], flags = 0): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = Buffer.allocUnsafe(ENVELOPE_HEAD_BYTES + length);
  bytes[0] = flags;
  bytes.writeUInt32BE(length, ENVELOPE_LENGTH_OFFSET);
  let at = ENVELOPE_HEAD_BYTES;
  for (const part of parts) {
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
