/**
 * The wire form inside a packed affiliate: where its fields are, and whether they are equal to
 * others.
 * @module
 */
import { DiscoveryError } from "../errors.ts";
import { varintBytes } from "../protocol/field-bytes.ts";

/** From this many on it is faster to compare four at a time. */
const MIN_WORDS_BYTES = 64;

const MAX_UINT32 = 0xffff_ffff;

/** Tags of the wire form. */
export const AFFILIATES_TAG = 0x0a;
export const ID_TAG = 0x0a;
export const DATA_TAG = 0x12;
const ENDPOINT_TAG = 0x1a;

/** Where an affiliate's data is in its packed form; empty where there is none. */
export function findData(
  bytes: Uint8Array,
  wireStartsAt: number,
): { idStart: number; idEnd: number; dataStart: number; dataEnd: number } {
  let at = wireStartsAt + 1;
  if (bytes[wireStartsAt] !== AFFILIATES_TAG) throw malformed("the wire form is damaged");
  at += varintBytes(readLength(bytes, at));
  let idStart = at;
  if (bytes[at] === ID_TAG) {
    const length = readLength(bytes, at + 1);
    idStart = at + 1 + varintBytes(length);
    at = idStart + length;
  }
  const idEnd = at;
  let dataStart = at;
  if (bytes[at] === DATA_TAG) {
    const length = readLength(bytes, at + 1);
    dataStart = at + 1 + varintBytes(length);
    at = dataStart + length;
  }
  return { idStart, idEnd, dataStart, dataEnd: at };
}

/** Where the endpoints are in an affiliate's packed form. */
export function findEndpoints(
  bytes: Uint8Array,
  wireStartsAt: number,
): { starts: number[]; lengths: number[] } {
  const starts: number[] = [];
  const lengths: number[] = [];
  let at = findData(bytes, wireStartsAt).dataEnd;
  while (bytes[at] === ENDPOINT_TAG) {
    const length = readLength(bytes, at + 1);
    const start = at + 1 + varintBytes(length);
    starts.push(start);
    lengths.push(length);
    at = start + length;
  }
  return { starts, lengths };
}

/** Whether `bytes` are at `start`. */
export function isAt(all: DataView, start: number, bytes: Uint8Array): boolean {
  const { length } = bytes;
  if (start + length > all.byteLength) return false;
  let i = 0;
  if (length >= MIN_WORDS_BYTES) {
    const words = new DataView(bytes.buffer, bytes.byteOffset, length);
    for (; i + 4 <= length; i += 4) {
      if (all.getUint32(start + i) !== words.getUint32(i)) return false;
    }
  }
  for (; i < length; i++) if (all.getUint8(start + i) !== bytes[i]) return false;
  return true;
}

/** Whether these are the endpoints that come at `start`. */
export function hasFields(
  bytes: DataView,
  start: number,
  payloads: readonly Uint8Array[],
): boolean {
  let at = start;
  for (const payload of payloads) {
    const end = skipField(bytes, at);
    if (!isField(bytes, at, end, payload)) return false;
    at = end;
  }
  return true;
}

/** Whether the field from `start` to `end` has these bytes. */
export function isField(bytes: DataView, start: number, end: number, payload: Uint8Array): boolean {
  if (end - skipLength(bytes, start + 1) !== payload.length) return false;
  return isAt(bytes, end - payload.length, payload);
}

export function byteAt(bytes: DataView, at: number): number {
  return at < bytes.byteLength ? bytes.getUint8(at) : -1;
}

/** Where a field of a whole wire form ends. @param at - Of its one-byte tag. */
export function skipField(bytes: DataView, at: number): number {
  let length = 0;
  let scale = 1;
  for (let i = at + 1; ; i++) {
    const byte = bytes.getUint8(i);
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) return i + 1 + length;
    scale *= 0x80;
  }
}

/** Where the varint of a whole wire form ends. */
export function skipLength(bytes: DataView, at: number): number {
  let end = at;
  while (bytes.getUint8(end++) >= 0x80);
  return end;
}

function readLength(bytes: Uint8Array, from: number): number {
  let value = 0;
  let scale = 1;
  for (let at = from; ; at++) {
    const byte = bytes[at];
    if (byte === undefined || scale > MAX_UINT32) throw malformed("the wire form is damaged");
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 0x80;
  }
}

export function malformed(what: string, cause?: unknown): DiscoveryError {
  return new DiscoveryError("ERR_AFFILIATE_MALFORMED", `invalid packed affiliate: ${what}`, {
    cause,
  });
}
