/**
 * A node's identity: 32 random bytes, made once and kept until the node is wiped.
 * @see docs/protocol.md, "Node identity"
 * @module
 */
import { DiscoveryError } from "../errors.ts";
import { base62 } from "./base62.ts";

/** Size of an identity. */
export const NODE_ID_BYTES = 32;

/** Gives that many fresh random bytes. */
export type RandomSource = (bytes: number) => Uint8Array;

/**
 * Makes a new identity.
 *
 * @param random - Where the 32 bytes come from. @default `crypto.getRandomValues`
 * @returns The identity in base62, the form in which it is kept and shown.
 * @throws {RangeError} when `random` gives another number of bytes.
 * @example
 * generateNodeId(); // "Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd"
 */
export function generateNodeId(random: RandomSource = cryptoRandom): string {
  const bytes = random(NODE_ID_BYTES);
  if (bytes.length !== NODE_ID_BYTES) {
    throw new RangeError(`random: gave ${bytes.length} bytes instead of ${NODE_ID_BYTES}`);
  }
  return base62.encode(bytes);
}

/**
 * Reads an identity.
 *
 * @returns Its 32 bytes, in a buffer of their own.
 * @throws {DiscoveryError} `ERR_BASE62_INVALID` for a character outside the alphabet,
 *   `ERR_NODE_ID_INVALID` for another number of bytes.
 */
export function parseNodeId(text: string): Uint8Array<ArrayBuffer> {
  const bytes = base62.decode(text);
  if (bytes.length !== NODE_ID_BYTES) {
    throw new DiscoveryError(
      "ERR_NODE_ID_INVALID",
      `node ID holds ${bytes.length} bytes instead of ${NODE_ID_BYTES}`,
    );
  }
  return bytes;
}

function cryptoRandom(bytes: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(bytes));
}
