/**
 * The JSON form of an affiliate, made from its wire form.
 *
 * Written by hand: the protobuf library takes half a second for a full cluster. A property test
 * holds it to what the library writes.
 * @see https://protobuf.dev/programming-guides/json/
 * @module
 */

const ASCII_QUOTE = 0x22;
const ASCII_PAD = 0x3d;
const ASCII_BACKSLASH = 0x5c;

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Two characters for each number of 12 bits. */
const BASE64_PAIRS: Uint8Array = /* @__PURE__ */ (() => {
  const pairs = new Uint8Array(2 * 4096);
  for (let i = 0; i < 4096; i++) {
    pairs[2 * i] = BASE64.charCodeAt(i >> 6);
    pairs[2 * i + 1] = BASE64.charCodeAt(i & 63);
  }
  return pairs;
})();

const ID_KEY = /* @__PURE__ */ ascii('"id":');
const DATA_KEY = /* @__PURE__ */ ascii('"data":"');
const ENDPOINTS_KEY = /* @__PURE__ */ ascii('"endpoints":[');
const COMMA = 0x2c;

const ID_FIELD = 1;
const DATA_FIELD = 2;

/**
 * Encodes one affiliate as JSON.
 *
 * @param id - The affiliate's ID, which `wire` holds too.
 * @param wire - Its entry of field 1 in `ListResponse`: tag, length and message, as
 *   `encodeAffiliateField` writes it.
 * @returns UTF-8, in a buffer of its own.
 */
export function encodeAffiliateJson(id: string, wire: Uint8Array): Uint8Array<ArrayBuffer> {
  const idJson = id === "" ? undefined : new TextEncoder().encode(JSON.stringify(id));
  const json = new Uint8Array(affiliateJsonBytes(id, wire));
  let at = 0;
  json[at++] = 0x7b;
  if (idJson !== undefined) {
    json.set(ID_KEY, at);
    json.set(idJson, at + ID_KEY.length);
    at += ID_KEY.length + idJson.length;
  }
  let endpoints = 0;
  eachField(wire, (number, payload, length) => {
    if (number === ID_FIELD) return;
    if (number === DATA_FIELD) {
      if (at > 1) json[at++] = COMMA;
      json.set(DATA_KEY, at);
      at = writeBase64(wire, payload, length, json, at + DATA_KEY.length);
    } else {
      if (endpoints === 0) {
        if (at > 1) json[at++] = COMMA;
        json.set(ENDPOINTS_KEY, at);
        at += ENDPOINTS_KEY.length;
      } else {
        json[at++] = COMMA;
      }
      json[at++] = ASCII_QUOTE;
      at = writeBase64(wire, payload, length, json, at);
      endpoints++;
    }
    json[at++] = ASCII_QUOTE;
  });
  if (endpoints > 0) json[at++] = 0x5d;
  json[at] = 0x7d;
  return json;
}

/**
 * Size of what {@link encodeAffiliateJson} writes, in bytes, without writing it.
 *
 * @param id - As there; so is `wire`.
 */
export function affiliateJsonBytes(id: string, wire: Uint8Array): number {
  let bytes = 2;
  if (id !== "") bytes += ID_KEY.length + jsonStringBytes(id);
  let hasData = false;
  let endpoints = 0;
  eachField(wire, (number, _payload, length) => {
    if (number === ID_FIELD) return;
    bytes += 4 * Math.ceil(length / 3);
    if (number === DATA_FIELD) hasData = true;
    else endpoints++;
  });
  if (hasData) bytes += DATA_KEY.length + 1 + (id === "" ? 0 : 1);
  if (endpoints > 0) {
    // Quotes around each, commas between them, and the array with what stands before it.
    bytes += 3 * endpoints - 1 + ENDPOINTS_KEY.length + 1 + (id === "" && !hasData ? 0 : 1);
  }
  return bytes;
}

/** Bytes of `JSON.stringify(text)`; only unusual texts are encoded for it. */
function jsonStringBytes(text: string): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit > 0x7e || unit === ASCII_QUOTE || unit === ASCII_BACKSLASH) {
      return new TextEncoder().encode(JSON.stringify(text)).length;
    }
  }
  return text.length + 2;
}

/** Visits the fields of the message in order, each with where its payload begins. */
function eachField(
  wire: Uint8Array,
  visit: (number: number, payload: number, length: number) => void,
): void {
  for (let field = messageStart(wire); field < wire.length; ) {
    const number = (wire[field] as number) >> 3;
    let length = 0;
    let shift = 0;
    let payload = field + 1;
    for (; (wire[payload] as number) > 0x7f; payload++, shift += 7) {
      length |= ((wire[payload] as number) & 0x7f) << shift;
    }
    length |= (wire[payload++] as number) << shift;
    visit(number, payload, length);
    field = payload + length;
  }
}

/** Where the message begins: after a tag of one byte and a length. */
function messageStart(wire: Uint8Array): number {
  let at = 1;
  while ((wire[at] as number) > 0x7f) at++;
  return at + 1;
}

/** Writes standard base64 with padding; returns where the next byte goes. */
function writeBase64(
  from: Uint8Array,
  start: number,
  length: number,
  into: Uint8Array,
  at: number,
): number {
  let next = at;
  let i = start;
  const whole = start + length - (length % 3);
  for (; i < whole; i += 3) {
    const bits =
      ((from[i] as number) << 16) | ((from[i + 1] as number) << 8) | (from[i + 2] as number);
    const high = (bits >> 12) << 1;
    const low = (bits & 0xfff) << 1;
    into[next] = BASE64_PAIRS[high] as number;
    into[next + 1] = BASE64_PAIRS[high + 1] as number;
    into[next + 2] = BASE64_PAIRS[low] as number;
    into[next + 3] = BASE64_PAIRS[low + 1] as number;
    next += 4;
  }
  const rest = start + length - i;
  if (rest === 0) return next;
  const bits = ((from[i] as number) << 16) | (rest === 2 ? (from[i + 1] as number) << 8 : 0);
  const high = (bits >> 12) << 1;
  into[next] = BASE64_PAIRS[high] as number;
  into[next + 1] = BASE64_PAIRS[high + 1] as number;
  into[next + 2] = rest === 2 ? (BASE64_PAIRS[(bits & 0xfff) << 1] as number) : ASCII_PAD;
  into[next + 3] = ASCII_PAD;
  return next + 4;
}

function ascii(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
