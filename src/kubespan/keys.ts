/**
 * WireGuard's keys: X25519 (RFC 7748), as standard base64 of 32 bytes.
 * @module
 */
import { pow } from "@noble/curves/abstract/modular.js";
import { montgomery } from "@noble/curves/abstract/montgomery.js";
import { cryptoRandom, randomBytes } from "../crypto/random.ts";
import { base64Of, keyBytes } from "../crypto/secrets.ts";
import { DiscoveryError } from "../errors.ts";
import { isWireguardKey } from "../resources/wireguard-key.ts";

const KEY_BYTES = 32;

/** The prime of the field (RFC 7748 section 4.1). */
const PRIME = 2n ** 255n - 19n;

/**
 * The library's own `x25519` brings all of Ed25519: 24 ms and 10 MB to load, against 5 ms and 1 MB.
 */
const x25519 = /* @__PURE__ */ montgomery({
  P: PRIME,
  type: "x25519",
  adjustScalarBytes: clamped,
  powPminus2: (x) => pow(x, PRIME - 2n, PRIME),
});

/** What the base64 of 32 zeros is. */
const ZERO_KEY = `${"A".repeat(KEY_BYTES + 11)}=`;

/**
 * Makes a private key, as `wg genkey` does.
 *
 * @param random - Where the bytes come from. @default `crypto.getRandomValues`
 * @returns 44 characters. A secret.
 */
export function generatePrivateKey(random: (bytes: number) => Uint8Array = cryptoRandom): string {
  const key = clamped(randomBytes(random, KEY_BYTES));
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
  if (!isWireguardKey(privateKey)) {
    throw new DiscoveryError(
      "ERR_WIREGUARD_KEY_INVALID",
      `WireGuard private key is not standard base64 of ${KEY_BYTES} bytes`,
    );
  }
  const bytes = keyBytes(privateKey);
  const publicKey = base64Of(x25519.getPublicKey(bytes));
  bytes.fill(0);
  return publicKey;
}

/**
 * Whether the text may be another node's public key: the form of a key, and not the zeros that
 * WireGuard passes over.
 */
export function isPublicKey(text: string): boolean {
  return isWireguardKey(text) && text !== ZERO_KEY;
}

/** RFC 7748 section 5: a copy, cut to the scalars that X25519 has. */
function clamped(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const key = Uint8Array.from(bytes);
  key[0] = (key[0] ?? 0) & 0xf8;
  key[31] = ((key[31] ?? 0) & 0x7f) | 0x40;
  return key;
}
