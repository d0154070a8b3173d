/**
 * What only members of a cluster can read: affiliates and endpoints, sealed with the cluster
 * secret.
 *
 * An affiliate is AES-256-GCM with a random nonce. An endpoint is AES-256-ECB, deterministic on
 * purpose: a service merges equal endpoints from different nodes without reading them.
 * @see docs/protocol.md, "Encryption"
 * @module
 */
import { gcm, unsafe } from "@noble/ciphers/aes.js";
import { DiscoveryError } from "../errors.ts";
import { cryptoRandom, randomBytes } from "./random.ts";
import { CLUSTER_SECRET_BYTES, parseClusterSecret } from "./secrets.ts";

/** Size of the GCM nonce in front of a sealed affiliate. */
const NONCE_BYTES = 12;

/** Size of the GCM tag at the end of a sealed affiliate. */
const TAG_BYTES = 16;

/** A sealed endpoint is a whole number of AES blocks. */
const BLOCK_BYTES = 16;

/** What the length byte of a sealed endpoint can say. */
const MAX_ENDPOINT_PLAIN_BYTES = 255;

/**
 * Seals and opens under one cluster secret, which it does not show. Results have buffers of their
 * own.
 */
export interface ClusterCipher {
  /**
   * @param plain - An encoded affiliate. Not changed.
   * @returns 28 bytes more than `plain`, different in every call: nonce, ciphertext, tag.
   */
  sealAffiliate(plain: Uint8Array): Uint8Array<ArrayBuffer>;
  /**
   * @param sealed - Not changed.
   * @throws {DiscoveryError} `ERR_AFFILIATE_TOO_SHORT` under 28 bytes; `ERR_AFFILIATE_TAG_MISMATCH`
   *   for data that was sealed with another secret, or changed since.
   */
  openAffiliate(sealed: Uint8Array): Uint8Array<ArrayBuffer>;
  /**
   * @param plain - An encoded endpoint, at most 255 bytes. Not changed.
   * @returns Whole blocks of 16 bytes, equal for equal input: one for IPv4, two for IPv6.
   * @throws {RangeError} over 255 bytes.
   */
  sealEndpoint(plain: Uint8Array): Uint8Array<ArrayBuffer>;
  /**
   * Nothing authenticates an endpoint: one that was sealed with another secret opens to garbage
   * where it opens.
   *
   * @param sealed - Not changed.
   * @throws {DiscoveryError} `ERR_ENDPOINT_MALFORMED` for a size that is no positive multiple of
   *   16, or a length byte that points past the end.
   */
  openEndpoint(sealed: Uint8Array): Uint8Array<ArrayBuffer>;
}

export interface CreateClusterCipherOptions {
  /**
   * Where nonces come from, 12 bytes each. A nonce that repeats gives the key away.
   * @default `crypto.getRandomValues`
   */
  readonly random?: ((bytes: number) => Uint8Array) | undefined;
}

/**
 * Makes the cipher of a cluster.
 *
 * @param secret - The cluster secret as base64, or its 32 bytes, which are copied.
 * @throws {DiscoveryError} `ERR_SECRET_INVALID`.
 * @example
 * const cipher = createClusterCipher(generateClusterSecret());
 * cipher.openEndpoint(cipher.sealEndpoint(encodeEndpoint("10.0.0.1:51820")));
 */
export function createClusterCipher(
  secret: string | Uint8Array,
  { random = cryptoRandom }: CreateClusterCipherOptions = {},
): ClusterCipher {
  // Kept in this scope only, so that neither inspecting nor serializing the cipher shows it.
  const key = typeof secret === "string" ? parseClusterSecret(secret) : copyOfKey(secret);
  // Expanding the key costs more than the two blocks of an endpoint: once per cipher, sealing takes
  // a third and opening a quarter of the time (bench/cases/seal.ts). GCM spends its time in GHASH,
  // so there it would gain little.
  const sealingKey = unsafe.expandKeyLE(key);
  const openingKey = unsafe.expandKeyDecLE(key);
  return Object.freeze({
    sealAffiliate(plain: Uint8Array): Uint8Array<ArrayBuffer> {
      const nonce = randomBytes(random, NONCE_BYTES);
      const sealed = new Uint8Array(NONCE_BYTES + plain.length + TAG_BYTES);
      sealed.set(nonce);
      sealed.set(gcm(key, nonce).encrypt(plain), NONCE_BYTES);
      return sealed;
    },
    openAffiliate(sealed: Uint8Array): Uint8Array<ArrayBuffer> {
      if (sealed.length < NONCE_BYTES + TAG_BYTES) {
        throw new DiscoveryError(
          "ERR_AFFILIATE_TOO_SHORT",
          `sealed affiliate of ${sealed.length} bytes`,
        );
      }
      const nonce = sealed.subarray(0, NONCE_BYTES);
      try {
        return gcm(key, nonce).decrypt(sealed.subarray(NONCE_BYTES)) as Uint8Array<ArrayBuffer>;
      } catch (cause) {
        throw new DiscoveryError("ERR_AFFILIATE_TAG_MISMATCH", "sealed affiliate does not open", {
          cause,
        });
      }
    },
    sealEndpoint(plain: Uint8Array): Uint8Array<ArrayBuffer> {
      if (plain.length > MAX_ENDPOINT_PLAIN_BYTES) {
        throw new RangeError(`plain: ${plain.length} bytes are over ${MAX_ENDPOINT_PLAIN_BYTES}`);
      }
      const blocks = Math.ceil((1 + plain.length) / BLOCK_BYTES);
      const padded = new Uint8Array(blocks * BLOCK_BYTES);
      padded[0] = plain.length;
      padded.set(plain, 1);
      for (const block of blocksOf(padded)) unsafe.encryptBlock(sealingKey, block);
      return padded;
    },
    openEndpoint(sealed: Uint8Array): Uint8Array<ArrayBuffer> {
      if (sealed.length === 0 || sealed.length % BLOCK_BYTES !== 0) {
        throw new DiscoveryError(
          "ERR_ENDPOINT_MALFORMED",
          `sealed endpoint of ${sealed.length} bytes`,
        );
      }
      // Not `slice`: of a Node Buffer that would be a view, and blocks are opened in place.
      const padded = new Uint8Array(sealed);
      for (const block of blocksOf(padded)) unsafe.decryptBlock(openingKey, block);
      const length = padded[0] ?? 0;
      // ECB authenticates nothing, so the length byte is checked before it is used as an index.
      if (length >= padded.length) {
        throw new DiscoveryError(
          "ERR_ENDPOINT_MALFORMED",
          `endpoint in ${padded.length} bytes is cut`,
        );
      }
      return padded.slice(1, 1 + length);
    },
  });
}

/**
 * Views of each block. In a buffer of its own every block is aligned to 4 bytes, as the block
 * cipher needs.
 */
function* blocksOf(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) yield bytes.subarray(at, at + BLOCK_BYTES);
}

function copyOfKey(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (!(bytes instanceof Uint8Array)) throw new TypeError("secret: neither text nor bytes");
  if (bytes.length === CLUSTER_SECRET_BYTES) return new Uint8Array(bytes);
  throw new DiscoveryError(
    "ERR_SECRET_INVALID",
    `cluster secret of ${bytes.length} bytes instead of ${CLUSTER_SECRET_BYTES}`,
  );
}
