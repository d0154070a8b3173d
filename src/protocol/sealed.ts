/**
 * The wire form of an affiliate as a service holds it, built once and shared by every message that
 * carries it.
 *
 * Written by hand because a registry encodes on every change and concatenates for every watcher; a
 * property test holds it to what the protobuf library writes.
 * @module
 */
import { bytesTag, fieldBytes, isAscii, writeHead } from "./field-bytes.ts";

const AFFILIATES_TAG = /* @__PURE__ */ bytesTag(1);
const ID_TAG = /* @__PURE__ */ bytesTag(1);
const DATA_TAG = /* @__PURE__ */ bytesTag(2);
const ENDPOINTS_TAG = /* @__PURE__ */ bytesTag(3);

/**
 * Encodes one entry of field 1, `affiliates`, as it stands in `ListResponse` and in
 * `WatchResponse`: the concatenation of such entries is a `ListResponse`, and a `WatchResponse`
 * whose `deleted` is false.
 *
 * @param id - Affiliate ID. Empty is allowed, and omitted.
 * @param data - Sealed affiliate. Empty is omitted.
 * @param endpoints - Sealed endpoints, in this order.
 * @returns Tag, length and message, in a buffer of their own.
 */
export function encodeAffiliateField(
  id: string,
  data: Uint8Array,
  endpoints: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const idText = isAscii(id) ? id : new TextEncoder().encode(id);
  const messageBytes = affiliateFieldBytes(idText.length, data, endpoints);
  const field = new Uint8Array(fieldBytes(messageBytes));
  writeAffiliateField(field, 0, messageBytes, idText, data, endpoints);
  return field;
}

/**
 * Bytes of the message that {@link writeAffiliateField} writes, without its tag and length.
 *
 * @param idLength - In bytes of UTF-8.
 */
export function affiliateFieldBytes(
  idLength: number,
  data: Uint8Array,
  endpoints: readonly Uint8Array[],
): number {
  let bytes = idLength > 0 ? fieldBytes(idLength) : 0;
  if (data.length > 0) bytes += fieldBytes(data.length);
  for (const endpoint of endpoints) bytes += fieldBytes(endpoint.length);
  return bytes;
}

/**
 * As {@link encodeAffiliateField}, into a buffer that is there.
 *
 * @param from - Where to begin.
 * @param messageBytes - What {@link affiliateFieldBytes} gives.
 * @param id - Text if it is ASCII, else its UTF-8.
 */
export function writeAffiliateField(
  into: Uint8Array,
  from: number,
  messageBytes: number,
  id: string | Uint8Array,
  data: Uint8Array,
  endpoints: readonly Uint8Array[],
): void {
  let at = writeHead(into, from, AFFILIATES_TAG, messageBytes);
  if (id.length > 0) {
    at = writeHead(into, at, ID_TAG, id.length);
    if (typeof id === "string") for (let i = 0; i < id.length; i++) into[at + i] = id.charCodeAt(i);
    else into.set(id, at);
    at += id.length;
  }
  if (data.length > 0) {
    at = writeHead(into, at, DATA_TAG, data.length);
    into.set(data, at);
    at += data.length;
  }
  for (const endpoint of endpoints) {
    at = writeHead(into, at, ENDPOINTS_TAG, endpoint.length);
    // Faster than `set` for so few.
    for (let i = 0; i < endpoint.length; i++) into[at + i] = endpoint[i] as number;
    at += endpoint.length;
  }
}
