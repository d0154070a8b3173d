import { createCipheriv, createDecipheriv } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createClusterCipher, generateClusterSecret } from "../../../src/crypto/index.ts";
import { decodeEndpoint, encodeEndpoint } from "../../../src/protocol/index.ts";
import affiliateVectors from "../../vectors/affiliates.json" with { type: "json" };
import endpointVectors from "../../vectors/endpoints.json" with { type: "json" };

const code = (code: string) => expect.objectContaining({ name: "DiscoveryError", code });
const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));

const KEY = Uint8Array.from({ length: 32 }, (_, i) => i * 5 + 3);
const cipher = createClusterCipher(KEY);

function nodeSealAffiliate(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array): Uint8Array {
  const gcm = createCipheriv("aes-256-gcm", key, nonce);
  const body = [gcm.update(plain), gcm.final()];
  return new Uint8Array(Buffer.concat([nonce, ...body, gcm.getAuthTag()]));
}

function nodeOpenAffiliate(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  const gcm = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, 12), { authTagLength: 16 });
  gcm.setAuthTag(sealed.subarray(-16));
  return new Uint8Array(Buffer.concat([gcm.update(sealed.subarray(12, -16)), gcm.final()]));
}

function nodeEcb(key: Uint8Array, bytes: Uint8Array, seal: boolean): Uint8Array {
  const ecb = (seal ? createCipheriv : createDecipheriv)("aes-256-ecb", key, null);
  ecb.setAutoPadding(false);
  return new Uint8Array(Buffer.concat([ecb.update(bytes), ecb.final()]));
}

describe("affiliates", () => {
  test("every affiliate of the vectors seals to its bytes, and opens", () => {
    expect(affiliateVectors.length).toBeGreaterThan(0);
    for (const { key, nonce, encoded, data } of affiliateVectors) {
      const fixed = createClusterCipher(bytesOf(key), { random: () => bytesOf(nonce) });
      expect(fixed.sealAffiliate(bytesOf(encoded))).toEqual(bytesOf(data));
      expect(fixed.openAffiliate(bytesOf(data))).toEqual(bytesOf(encoded));
    }
  });

  test("another implementation opens what we seal, and we what it seals", () => {
    const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const nonce = fc.uint8Array({ minLength: 12, maxLength: 12 });
    const plain = fc.uint8Array({ maxLength: 2100, size: "max" });
    fc.assert(
      fc.property(key, nonce, plain, (key, nonce, plain) => {
        const cipher = createClusterCipher(key);
        expect(nodeOpenAffiliate(key, cipher.sealAffiliate(plain))).toEqual(plain);
        expect(cipher.openAffiliate(nodeSealAffiliate(key, nonce, plain))).toEqual(plain);
        const fixed = createClusterCipher(key, { random: () => nonce });
        expect(fixed.sealAffiliate(plain)).toEqual(nodeSealAffiliate(key, nonce, plain));
      }),
    );
  });

  test("bytes may lie anywhere in a larger buffer, and stay as they are", () => {
    for (let offset = 0; offset < 9; offset++) {
      const buffer = Uint8Array.from({ length: 130 }, (_, i) => i);
      const plain = buffer.subarray(offset, offset + 101);
      const sealed = cipher.sealAffiliate(plain);
      expect(buffer).toEqual(Uint8Array.from({ length: 130 }, (_, i) => i));
      const moved = new Uint8Array(200);
      moved.set(sealed, offset);
      expect(cipher.openAffiliate(moved.subarray(offset, offset + sealed.length))).toEqual(plain);
      const view = Buffer.from(moved.buffer, offset, sealed.length);
      expect(cipher.openAffiliate(view)).toEqual(plain);
      expect(moved.subarray(offset, offset + sealed.length)).toEqual(sealed);
    }
  });

  test("every seal has a nonce of its own, 12 bytes from the given source", () => {
    const seals = Array.from({ length: 20 }, () => cipher.sealAffiliate(new Uint8Array(5)));
    expect(new Set(seals.map((sealed) => Buffer.from(sealed).toString("hex"))).size).toBe(20);
    const asked: number[] = [];
    createClusterCipher(KEY, {
      random: (bytes) => {
        asked.push(bytes);
        return new Uint8Array(bytes);
      },
    }).sealAffiliate(new Uint8Array(5));
    expect(asked).toEqual([12]);
    const short = createClusterCipher(KEY, { random: () => new Uint8Array(11) });
    expect(() => short.sealAffiliate(new Uint8Array(5))).toThrow(RangeError);
  });

  test("under 28 bytes is ERR_AFFILIATE_TOO_SHORT, 28 can be an affiliate of nothing", () => {
    const sealed = cipher.sealAffiliate(new Uint8Array());
    expect(sealed).toHaveLength(28);
    expect(cipher.openAffiliate(sealed)).toHaveLength(0);
    for (let length = 0; length < 28; length++) {
      expect(() => cipher.openAffiliate(sealed.subarray(0, length))).toThrow(
        code("ERR_AFFILIATE_TOO_SHORT"),
      );
    }
  });

  test("any changed bit is ERR_AFFILIATE_TAG_MISMATCH", () => {
    const sealed = cipher.sealAffiliate(Uint8Array.of(1, 2, 3));
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = sealed.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => cipher.openAffiliate(changed)).toThrow(code("ERR_AFFILIATE_TAG_MISMATCH"));
    }
  });

  test("another secret, a cut and an extended affiliate are ERR_AFFILIATE_TAG_MISMATCH", () => {
    const sealed = cipher.sealAffiliate(new Uint8Array(40));
    const mismatch = code("ERR_AFFILIATE_TAG_MISMATCH");
    expect(() => createClusterCipher(generateClusterSecret()).openAffiliate(sealed)).toThrow(
      mismatch,
    );
    expect(() => cipher.openAffiliate(sealed.subarray(0, -1))).toThrow(mismatch);
    expect(() => cipher.openAffiliate(Uint8Array.from([...sealed, 0]))).toThrow(mismatch);
  });

  test("any bytes give an affiliate or a DiscoveryError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(() => cipher.openAffiliate(bytes)).toThrow(
          code(bytes.length < 28 ? "ERR_AFFILIATE_TOO_SHORT" : "ERR_AFFILIATE_TAG_MISMATCH"),
        );
      }),
    );
  });
});

describe("endpoints", () => {
  const vectorCipher = createClusterCipher(endpointVectors.secret);

  test("every endpoint of the vectors seals to its bytes, and opens", () => {
    expect(endpointVectors.endpoints.length).toBeGreaterThan(0);
    for (const { endpoint, encoded, encrypted } of endpointVectors.endpoints) {
      expect(vectorCipher.sealEndpoint(encodeEndpoint(endpoint))).toEqual(bytesOf(encrypted));
      expect(vectorCipher.openEndpoint(bytesOf(encrypted))).toEqual(bytesOf(encoded));
      expect(decodeEndpoint(vectorCipher.openEndpoint(bytesOf(encrypted)))).toBe(endpoint);
    }
  });

  test("the secret as bytes is the secret as text", () => {
    const byBytes = createClusterCipher(bytesOf(endpointVectors.key));
    const plain = encodeEndpoint("10.0.0.1:51820");
    expect(byBytes.sealEndpoint(plain)).toEqual(vectorCipher.sealEndpoint(plain));
  });

  test.each(endpointVectors.hostile)("hostile: $why", ({ encrypted }) => {
    expect(() => decodeEndpoint(vectorCipher.openEndpoint(bytesOf(encrypted)))).toThrow(
      expect.objectContaining({
        name: "DiscoveryError",
        code: expect.stringMatching(/^ERR_ENDPOINT_(MALFORMED|INVALID)$/),
      }),
    );
  });

  test("another implementation agrees in both directions", () => {
    const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(key, fc.uint8Array({ maxLength: 255, size: "max" }), (key, plain) => {
        const cipher = createClusterCipher(key);
        const sealed = cipher.sealEndpoint(plain);
        const padded = new Uint8Array(Math.ceil((plain.length + 1) / 16) * 16);
        padded[0] = plain.length;
        padded.set(plain, 1);
        expect(sealed).toEqual(nodeEcb(key, padded, true));
        expect(nodeEcb(key, sealed, false)).toEqual(padded);
        expect(cipher.openEndpoint(sealed)).toEqual(plain);
      }),
    );
  });

  test("sealing is deterministic", () => {
    const plain = encodeEndpoint("[fd00::1]:51820");
    expect(cipher.sealEndpoint(plain)).toEqual(createClusterCipher(KEY).sealEndpoint(plain));
  });

  test("bytes may lie anywhere in a larger buffer, and stay as they are", () => {
    const plain = encodeEndpoint("[fd00::1]:51820");
    const sealed = cipher.sealEndpoint(plain);
    for (let offset = 0; offset < 9; offset++) {
      const moved = new Uint8Array(64);
      moved.set(sealed, offset);
      const view = moved.subarray(offset, offset + sealed.length);
      expect(cipher.openEndpoint(view)).toEqual(plain);
      expect(cipher.openEndpoint(Buffer.from(moved.buffer, offset, sealed.length))).toEqual(plain);
      expect(view).toEqual(sealed);
    }
  });

  test("an endpoint over 255 bytes is a RangeError", () => {
    expect(cipher.sealEndpoint(new Uint8Array(255))).toHaveLength(256);
    expect(() => cipher.sealEndpoint(new Uint8Array(256))).toThrow(RangeError);
  });

  test.each([0, 1, 15, 17, 31, 33])("%i bytes are ERR_ENDPOINT_MALFORMED", (length) => {
    expect(() => cipher.openEndpoint(new Uint8Array(length))).toThrow(
      code("ERR_ENDPOINT_MALFORMED"),
    );
  });

  test.each([
    [15, 16, true],
    [16, 16, false],
    [31, 32, true],
    [32, 32, false],
    [255, 32, false],
  ])("a length byte of %i in %i bytes opens: %s", (length, bytes, opens) => {
    const padded = new Uint8Array(bytes);
    padded[0] = length;
    const open = () => cipher.openEndpoint(nodeEcb(KEY, padded, true));
    if (opens) expect(open()).toHaveLength(length);
    else expect(open).toThrow(code("ERR_ENDPOINT_MALFORMED"));
  });

  test("any bytes give an endpoint or ERR_ENDPOINT_MALFORMED", () => {
    const blocks = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(fc.oneof(blocks, fc.uint8Array({ maxLength: 70 })), (bytes) => {
        try {
          expect(cipher.openEndpoint(bytes).length).toBeLessThan(bytes.length);
        } catch (error) {
          expect(error).toEqual(code("ERR_ENDPOINT_MALFORMED"));
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("the secret", () => {
  test("is copied", () => {
    const key = KEY.slice();
    const copied = createClusterCipher(key);
    key.fill(0);
    const plain = encodeEndpoint("10.0.0.1:1");
    expect(copied.sealEndpoint(plain)).toEqual(cipher.sealEndpoint(plain));
  });

  test("is in no serialization or inspection of the cipher", () => {
    const secret = generateClusterSecret();
    const shown = createClusterCipher(secret);
    const text = JSON.stringify(shown) + inspect(shown, { showHidden: true, depth: 9 });
    expect(text).not.toContain(secret);
    expect(text).not.toMatch(/Uint8Array|Uint32Array/);
    expect(Object.isFrozen(shown)).toBe(true);
  });

  test.each([0, 16, 31, 33])("of %i bytes is ERR_SECRET_INVALID", (length) => {
    expect(() => createClusterCipher(new Uint8Array(length))).toThrow(code("ERR_SECRET_INVALID"));
  });

  test("of another type is a TypeError", () => {
    expect(() => createClusterCipher(undefined as never)).toThrow(TypeError);
  });
});
