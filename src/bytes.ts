/**
 * Bytes that are none, equality, concatenation.
 * @module
 */

/** No bytes. Shared, so nothing may compare it by identity. */
export const EMPTY_BYTES: Uint8Array<ArrayBuffer> = /* @__PURE__ */ new Uint8Array(0);

/** Whether the bytes are equal. Not in constant time: only for bytes that are not secret. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Whether two lists hold equal bytes in the same order. */
export function equalByteLists(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((bytes, i) => equalBytes(bytes, b[i] as Uint8Array));
}

/** All bytes in one buffer of its own. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
