/**
 * Length-delimited protobuf fields, for the few messages that are written by hand.
 * @module
 */

/** The one-byte tag of a length-delimited field. @param number - 1 to 15. */
export function bytesTag(number: number): number {
  return (number << 3) | 2;
}

/** Size of a field with a one-byte tag and `length` bytes of payload. */
export function fieldBytes(length: number): number {
  return 1 + varintBytes(length) + length;
}

/** Size of a number as a varint. @param value - 0 to 2^53-1. */
export function varintBytes(value: number): number {
  let bytes = 1;
  let rest = value;
  for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 0x80)) bytes++;
  for (; rest > 0x7f; rest >>>= 7) bytes++;
  return bytes;
}

/** Writes tag and length; returns where the payload begins. */
export function writeHead(into: Uint8Array, at: number, tag: number, length: number): number {
  into[at] = tag;
  return writeVarint(into, at + 1, length);
}

/** Writes a number; returns where the next byte goes. @param value - 0 to 2^53-1. */
export function writeVarint(into: Uint8Array, at: number, value: number): number {
  let next = at;
  let rest = value;
  // Division where bits do not reach.
  for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 0x80)) into[next++] = (rest % 0x80) | 0x80;
  for (; rest > 0x7f; rest >>>= 7) into[next++] = (rest & 0x7f) | 0x80;
  into[next++] = rest;
  return next;
}

/** Writes tag, length and payload; returns where the next byte goes. */
export function writeBytes(into: Uint8Array, at: number, tag: number, bytes: Uint8Array): number {
  const payload = writeHead(into, at, tag, bytes.length);
  into.set(bytes, payload);
  return payload + bytes.length;
}

/** Whether each character is one byte of UTF-8. */
export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
