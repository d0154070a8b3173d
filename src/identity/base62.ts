/**
 * The base62 variant of node identities: a bit-packed code with an escape, not a big integer in
 * base 62.
 * @see docs/protocol.md, "Node identity"
 * @module
 */
import { DiscoveryError } from "../errors.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/**
 * 62 and 63 have no character. They and their neighbours 30 and 31 share these bits, and are
 * written as 5 bits.
 */
const ESCAPE_MASK = 0b011110;

/** A pair of inverse functions between bytes and their base62 text. */
export interface Base62 {
  /**
   * @param bytes - Any number of bytes. Not changed.
   * @returns Characters of `A-Z a-z 0-9`: 43 to 52 for 32 bytes, and mostly 43 or 44.
   */
  encode(bytes: Uint8Array): string;
  /**
   * Inverse of `encode`. Text that `encode` never makes is accepted too, as other implementations
   * do.
   *
   * @returns The bytes, in a buffer of their own.
   * @throws {DiscoveryError} `ERR_BASE62_INVALID` naming the position of the first character
   *   outside the alphabet.
   */
  decode(text: string): Uint8Array<ArrayBuffer>;
}

function encode(bytes: Uint8Array): string {
  if (!(bytes instanceof Uint8Array)) throw new TypeError("bytes: not a Uint8Array");
  // The input is one bit string: its last byte comes first, least significant bits first.
  const bits = bytes.length * 8;
  let text = "";
  let position = 0;
  while (position < bits) {
    const index = bytes.length - 1 - (position >> 3);
    const pair = (bytes[index] ?? 0) | ((bytes[index - 1] ?? 0) << 8);
    const value = (pair >> (position & 7)) & 63;
    if ((value & ESCAPE_MASK) !== ESCAPE_MASK) {
      text += ALPHABET[value];
      position += 6;
    } else {
      text += ALPHABET[value & 31];
      // Where the missing sixth bit is past the end or the last one and zero, there is nothing left
      // to say.
      position += bits - position > 6 || value > 31 ? 5 : 6;
    }
  }
  return text;
}

function decode(text: string): Uint8Array<ArrayBuffer> {
  if (typeof text !== "string") throw new TypeError("text: not a string");
  const bytes = new Uint8Array(Math.ceil((text.length * 6) / 8));
  let next = bytes.length;
  let pending = 0;
  let pendingBits = 0;
  for (let i = 0; i < text.length; i++) {
    const value = digitOf(text.charCodeAt(i));
    if (value < 0) {
      // All characters before this one take a byte each, so this is a position in bytes as well.
      throw new DiscoveryError("ERR_BASE62_INVALID", `illegal base62 data at input byte ${i}`);
    }
    pending |= value << pendingBits;
    // The last character has only its significant bits: the rest is padding.
    if (i === text.length - 1) pendingBits += 32 - Math.clz32(value);
    else pendingBits += (value & ESCAPE_MASK) === ESCAPE_MASK ? 5 : 6;
    if (pendingBits >= 8) {
      bytes[--next] = pending;
      pending >>= 8;
      pendingBits -= 8;
    }
  }
  if (pendingBits > 0) bytes[--next] = pending;
  return bytes.slice(next);
}

/** The number of a character, or -1. */
function digitOf(code: number): number {
  if (code >= 65 && code <= 90) return code - 65;
  if (code >= 97 && code <= 122) return code - 97 + 26;
  if (code >= 48 && code <= 57) return code - 48 + 52;
  return -1;
}

/**
 * The text form of node identities.
 *
 * @example
 * base62.encode(Uint8Array.of(0, 1)); // "BAA"
 */
export const base62: Base62 = /* @__PURE__ */ Object.freeze({ encode, decode });
