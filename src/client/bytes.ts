/**
 * Equality of bytes, which decides what is sealed, opened and announced again.
 * @module
 */

/** Not in constant time: for bytes that a service has seen or that are ours. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Whether two lists hold equal bytes in the same order. */
export function equalByteLists(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((bytes, i) => equalBytes(bytes, b[i] as Uint8Array));
}
