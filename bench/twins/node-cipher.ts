/**
 * The same sealing with the cipher of the runtime, OpenSSL in Node.
 * @module
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const BLOCK_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Sealing as `ClusterCipher` does it. Trusts its input more than that: it is for bytes that are right. */
export class NodeCipher {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  sealAffiliate(plain: Uint8Array): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce);
    return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  openAffiliate(sealed: Uint8Array): Uint8Array {
    const nonce = sealed.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv("aes-256-gcm", this.#key, nonce);
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const plain = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
    decipher.final();
    return plain;
  }

  sealEndpoint(plain: Uint8Array): Uint8Array {
    const blocks = new Uint8Array(Math.ceil((1 + plain.length) / BLOCK_BYTES) * BLOCK_BYTES);
    blocks[0] = plain.length;
    blocks.set(plain, 1);
    // ECB is what the protocol asks for: equal endpoints must be equal when sealed.
    const cipher = createCipheriv("aes-256-ecb", this.#key, null).setAutoPadding(false);
    return Buffer.concat([cipher.update(blocks), cipher.final()]);
  }

  openEndpoint(sealed: Uint8Array): Uint8Array {
    const decipher = createDecipheriv("aes-256-ecb", this.#key, null).setAutoPadding(false);
    const plain = Buffer.concat([decipher.update(sealed), decipher.final()]);
    return plain.subarray(1, 1 + (plain[0] as number));
  }
}
