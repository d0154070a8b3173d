/**
 * Random bytes from wherever the caller says.
 * @module
 */

/** The default source: the platform's own. */
export function cryptoRandom(bytes: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(bytes));
}

/**
 * @throws {RangeError} when the source gives another number of bytes: a short nonce or key must not
 * pass unseen.
 */
export function randomBytes(random: (bytes: number) => Uint8Array, bytes: number): Uint8Array {
  const got = random(bytes);
  if (got.length === bytes) return got;
  throw new RangeError(`random: gave ${got.length} bytes instead of ${bytes}`);
}
