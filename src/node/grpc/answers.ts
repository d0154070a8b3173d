/**
 * Answers as they go over the wire: headers, messages in their frames, trailers.
 *
 * What many callers get is built once: the list of a cluster until its next change, and a change
 * for all who watch.
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 * @module
 */
import type { OutgoingHttpHeaders } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { EMPTY_BYTES } from "../../bytes.ts";
import { ENVELOPE_HEAD_BYTES, ENVELOPE_LENGTH_OFFSET } from "../../protocol/envelope.ts";
import { MAX_SNAPSHOT_MESSAGE_BYTES } from "../../protocol/limits.ts";
import { encodeAffiliateField } from "../../protocol/sealed.ts";
import { affiliateWire } from "../../registry/affiliate-wire.ts";
import type { AffiliateView, WatchMessage } from "../../registry/registry.ts";
import type { HelloAnswer } from "../../server/rpc/procedures.ts";
import type { RpcStatus } from "../../server/rpc/rpc-status.ts";
import { splitBySize } from "../../server/rpc/wire-messages.ts";

/** Messages in their frames, one after the other. Shared: never changed. */
export interface Framed {
  readonly bytes: Buffer;
  readonly messages: number;
}

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

/** Field 2 of `WatchResponse`, `deleted`, which is true. */
const DELETED_FIELD: Uint8Array = /* @__PURE__ */ Uint8Array.from([(2 << 3) | 0, 1]);

/** A registry gives the same array for as long as a cluster does not change. */
const listFrames = /* @__PURE__ */ new WeakMap<readonly AffiliateView[], Buffer>();
/** A registry gives the same message to all who are told the same. */
const watchFrames = /* @__PURE__ */ new WeakMap<object, Framed>();

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

/** `ListResponse`: one message, whatever its size. */
export function listFrame(views: readonly AffiliateView[]): Buffer {
  let bytes = listFrames.get(views);
  if (bytes === undefined) {
    bytes = framed(views.map(affiliateWire), Buffer.allocUnsafeSlow);
    listFrames.set(views, bytes);
  }
  return bytes;
}

/**
 * The `WatchResponse`s of one step of a watch: several for a snapshot over
 * {@link MAX_SNAPSHOT_MESSAGE_BYTES}, of which clients take the first as the snapshot and add the
 * others, and one for each deleted ID.
 */
export function watchFrame(message: WatchMessage): Framed {
  // A snapshot is a new message for each watcher, with the same list in it.
  const key = message.kind === "snapshot" ? message.affiliates : message;
  let frames = watchFrames.get(key);
  if (frames === undefined) {
    frames = frameOf(message);
    watchFrames.set(key, frames);
  }
  return frames;
}

function frameOf(message: WatchMessage): Framed {
  if (message.kind === "deleted") {
    const frames = message.ids.map((id) =>
      frame([encodeAffiliateField(id, EMPTY_BYTES, []), DELETED_FIELD]),
    );
    return { bytes: Buffer.concat(frames), messages: frames.length };
  }
  const { affiliates } = message;
  const groups = splitBySize(affiliates, wireBytes, MAX_SNAPSHOT_MESSAGE_BYTES);
  if (groups.length === 1 && message.kind === "snapshot") {
    return { bytes: listFrame(affiliates), messages: 1 };
  }
  const frames = groups.map((views) => frame(views.map(affiliateWire)));
  if (frames.length === 1) return { bytes: frames[0] as Buffer, messages: 1 };
  return { bytes: Buffer.concat(frames), messages: frames.length };
}

function wireBytes(view: AffiliateView): number {
  return affiliateWire(view).length;
}

/** One message out of fields, for now: small ones share memory with others. */
function frame(fields: readonly Uint8Array[]): Buffer {
  return framed(fields, Buffer.allocUnsafe);
}

function framed(fields: readonly Uint8Array[], allocate: (bytes: number) => Buffer): Buffer {
  let length = 0;
  for (const part of fields) length += part.length;
  const bytes = allocate(ENVELOPE_HEAD_BYTES + length);
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
