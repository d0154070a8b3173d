import { createPrivateKey, createPublicKey } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { generatePrivateKey, isPublicKey, publicKeyOf } from "../../../src/kubespan/keys.ts";

/** PKCS #8 around the raw bytes of an X25519 key (RFC 8410). */
const PKCS8_HEADER = Buffer.from("302e020100300506032b656e04220420", "hex");

function publicKeyByOpenssl(privateKey: string): string {
  const key = Buffer.concat([PKCS8_HEADER, Buffer.from(privateKey, "base64")]);
  const publicKey = createPublicKey(createPrivateKey({ key, format: "der", type: "pkcs8" }));
  return publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString("base64");
}

describe("WireGuard keys", () => {
  test("belong together as OpenSSL has it, for any bytes", () => {
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(bytes, (bytes) => {
        const unclamped = Buffer.from(bytes).toString("base64");
        const clamped = generatePrivateKey(() => bytes);
        expect(publicKeyOf(clamped)).toBe(publicKeyByOpenssl(clamped));
        expect(publicKeyOf(unclamped)).toBe(publicKeyOf(clamped));
        expect(isPublicKey(publicKeyOf(clamped))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  test("private ones are random, and in the form that WireGuard shows", () => {
    const key = generatePrivateKey();
    expect(key).not.toBe(generatePrivateKey());
    const bytes = Buffer.from(key, "base64");
    expect(bytes.length).toBe(32);
    expect((bytes[0] ?? 0) & 7).toBe(0);
    expect((bytes[31] ?? 0) >> 6).toBe(1);
  });

  test("leave the bytes they are made of as they were, and take no fewer than 32", () => {
    const bytes = new Uint8Array(32).fill(255);
    generatePrivateKey(() => bytes);
    expect(bytes.every((byte) => byte === 255)).toBe(true);
    expect(() => generatePrivateKey(() => new Uint8Array(31))).toThrow(RangeError);
  });

  test.each([
    "",
    "secret",
    `${"A".repeat(42)}B=`,
    `${"A".repeat(43)}`,
    `${"A".repeat(44)}`,
    `${"A".repeat(42)}A=\n`,
    `${"-".repeat(42)}A=`,
    `${"A".repeat(41)}A==`,
  ])("that are none are refused without being repeated: %j", (text) => {
    expect(isPublicKey(text)).toBe(false);
    expect(() => publicKeyOf(text)).toThrow(
      expect.objectContaining({
        code: "ERR_WIREGUARD_KEY_INVALID",
        message: "WireGuard private key is not standard base64 of 32 bytes",
      }),
    );
  });

  test("of zeros are nobody's", () => {
    expect(isPublicKey(Buffer.alloc(32).toString("base64"))).toBe(false);
  });
});
