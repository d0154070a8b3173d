/**
 * Bytes that are none, and equality of bytes.
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
