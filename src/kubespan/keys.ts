/**
 * WireGuard's keys: X25519 (RFC 7748), as standard base64 of 32 bytes.
 * @module
 */
import { x25519 } from "@noble/curves/ed25519.js";
import { cryptoRandom, randomBytes } from "../crypto/random.ts";
import { base64Of } from "../crypto/secrets.ts";
import { DiscoveryError } from "../errors.ts";

const KEY_BYTES = 32;

/** 32 bytes: 42 characters of 6 bits, one of 4 whose last two bits are 0 (`wg` refuses others), and padding. */
const KEY_FORM = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** What the base64 of 32 zeros is. */
const ZERO_KEY = `${"A".repeat(KEY_BYTES + 11)}=`;

/**
 * Makes a private key, as `wg genkey` does.
 *
 * @param random - Where the bytes come from. @default `crypto.getRandomValues`
 * @returns 44 characters. A secret.
 */
export function generatePrivateKey(random: (bytes: number) => Uint8Array = cryptoRandom): string {
  const key = Uint8Array.from(randomBytes(random, KEY_BYTES));
  // RFC 7748 section 5 has this done with each use too; done here, the text is the one that WireGuard shows.
  key[0] = (key[0] ?? 0) & 0xf8;
  key[31] = ((key[31] ?? 0) & 0x7f) | 0x40;
  const text = base64Of(key);
  key.fill(0);
  return text;
}

/**
 * The public key that belongs to a private key, as `wg pubkey` prints it.
 *
 * @throws {DiscoveryError} `ERR_WIREGUARD_KEY_INVALID`. The message does not repeat the key.
 */
export function publicKeyOf(privateKey: string): string {
  if (!isKey(privateKey)) {
    throw new DiscoveryError(
      "ERR_WIREGUARD_KEY_INVALID",
      `WireGuard private key is not standard base64 of ${KEY_BYTES} bytes`,
    );
  }
  const bytes = Uint8Array.from(atob(privateKey), (byte) => byte.charCodeAt(0));
  const publicKey = base64Of(x25519.getPublicKey(bytes));
  bytes.fill(0);
  return publicKey;
}

/** Whether the text may be another node's public key: the form of a key, and not the zeros that WireGuard passes over. */
export function isPublicKey(text: string): boolean {
  return isKey(text) && text !== ZERO_KEY;
}

function isKey(text: string): boolean {
  return KEY_FORM.test(text);
}
