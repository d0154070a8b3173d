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
  const idBytes = isAscii(id) ? undefined : new TextEncoder().encode(id);
  const idLength = idBytes?.length ?? id.length;
  let messageBytes = idLength > 0 ? fieldBytes(idLength) : 0;
  if (data.length > 0) messageBytes += fieldBytes(data.length);
  for (const endpoint of endpoints) messageBytes += fieldBytes(endpoint.length);

  const field = new Uint8Array(fieldBytes(messageBytes));
  let at = writeHead(field, 0, AFFILIATES_TAG, messageBytes);
  if (idLength > 0) {
    at = writeHead(field, at, ID_TAG, idLength);
    if (idBytes !== undefined) field.set(idBytes, at);
    else for (let i = 0; i < idLength; i++) field[at + i] = id.charCodeAt(i);
    at += idLength;
  }
  if (data.length > 0) {
    at = writeHead(field, at, DATA_TAG, data.length);
    field.set(data, at);
    at += data.length;
  }
  for (const endpoint of endpoints) {
    at = writeHead(field, at, ENDPOINTS_TAG, endpoint.length);
    field.set(endpoint, at);
    at += endpoint.length;
  }
  return field;
}
