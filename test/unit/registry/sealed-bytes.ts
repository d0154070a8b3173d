/**
 * Stand-ins for sealed bytes: a registry compares them and reads nothing in them.
 * @module
 */

/** `length` bytes of which no two seeds have the same. */
export function sealedBytes(seed: number, length = 16): Uint8Array {
  const bytes = new Uint8Array(length).fill(0xa5);
  for (let i = 0, rest = seed; i < Math.min(length, 4); i++, rest >>>= 8) bytes[i] = rest & 0xff;
  return bytes;
}

/** `count` different endpoints. */
export function sealedEndpoints(count: number, from = 0): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => sealedBytes(from + i));
}
