/**
 * Cluster ID and cluster secret: standard base64 of 32 random bytes each.
 * @module
 */
import { base64nopad } from "@scure/base";
import { DiscoveryError } from "../errors.ts";
import { cryptoRandom, randomBytes } from "./random.ts";

/** Size of a decoded cluster secret: an AES-256 key. */
export const CLUSTER_SECRET_BYTES = 32;

/** Length of a cluster secret as text. */
const SECRET_CHARACTERS = 44;

/** 32 bytes in standard base64: 256 bits are 42 characters, one of 4 bits, and padding. */
const SECRET_FORM = /^[A-Za-z0-9+/]{43}=$/;

const CLUSTER_ID_BYTES = 32;

/**
 * Makes the ID of a new cluster. An ID is opaque: it is only ever compared.
 *
 * @param random - Where the bytes come from. @default `crypto.getRandomValues`
 * @returns 44 characters.
 */
export function generateClusterId(random: (bytes: number) => Uint8Array = cryptoRandom): string {
  return base64Of(randomBytes(random, CLUSTER_ID_BYTES));
}

/**
 * Makes the secret of a new cluster. Whoever has it can read and write what members tell each
 * other.
 *
 * @param random - Where the bytes come from. @default `crypto.getRandomValues`
 * @returns 44 characters.
 */
export function generateClusterSecret(
  random: (bytes: number) => Uint8Array = cryptoRandom,
): string {
  return base64Of(randomBytes(random, CLUSTER_SECRET_BYTES));
}

/**
 * Reads a cluster secret, and takes what Go's decoder takes: line ends anywhere are skipped, and
 * so are the last two bits, which belong to no byte. Other white space must be trimmed first.
 *
 * @param text - Standard base64, 44 characters with the `=` at the end.
 * @returns The 32 bytes of the key, in a buffer of their own.
 * @throws {DiscoveryError} `ERR_SECRET_INVALID`. The message tells the length, never the text.
 */
export function parseClusterSecret(text: string): Uint8Array<ArrayBuffer> {
  if (typeof text !== "string") throw new TypeError("text: not a string");
  const characters = text.replaceAll(/[\r\n]/g, "");
  // The form is checked first, since the library's errors show what they refuse.
  if (SECRET_FORM.test(characters)) return keyBytes(characters);
  throw new DiscoveryError(
    "ERR_SECRET_INVALID",
    `cluster secret is not standard base64 of ${CLUSTER_SECRET_BYTES} bytes, which has ` +
      `${SECRET_CHARACTERS} characters: got ${characters.length} characters${hint(characters)}`,
  );
}

/** What people get wrong, as far as it can be told without showing the secret. */
function hint(text: string): string {
  if (/^\s|\s$/.test(text)) return ", with white space around them";
  if (/[-_]/.test(text)) return ", with - or _ of the URL-safe alphabet";
  return "";
}

/** Standard base64 of 32 bytes, with padding. */
export function base64Of(key: Uint8Array): string {
  return `${base64nopad.encode(key)}=`;
}

/** The 32 bytes of 43 characters of standard base64 and padding. The last two bits are skipped. */
export function keyBytes(text: string): Uint8Array<ArrayBuffer> {
  // With a character in place of the padding, the bits that belong to no byte are in a 33rd.
  return base64nopad.decode(text.replace("=", "A")).slice(0, CLUSTER_SECRET_BYTES);
}
