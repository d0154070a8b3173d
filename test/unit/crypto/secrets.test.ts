import fc from "fast-check";
import { expect, test } from "vitest";
import {
  createClusterCipher,
  generateClusterId,
  generateClusterSecret,
  parseClusterSecret,
} from "../../../src/crypto/index.ts";

const SECRET = "EFLVj/7J7pSOKMuq2q5HHF2Cjq87PIfTv9SVR3tAPaU=";

function errorOf(text: string): { code: string; message: string; cause?: unknown } {
  try {
    parseClusterSecret(text);
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error("accepted");
}

test("a generated ID and a generated secret are 32 fresh bytes in standard base64", () => {
  for (const generate of [generateClusterId, generateClusterSecret]) {
    const all = Array.from({ length: 30 }, () => generate());
    expect(new Set(all).size).toBe(30);
    for (const text of all) {
      expect(text).toMatch(/^[A-Za-z0-9+/]{43}=$/);
      expect(Buffer.from(text, "base64")).toHaveLength(32);
    }
    const bytes = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);
    expect(generate(() => bytes)).toBe(Buffer.from(bytes).toString("base64"));
    expect(() => generate(() => bytes.subarray(1))).toThrow(RangeError);
  }
});

test.each(["V", "W", "X"])("bits that no byte holds are passed over, as Go does: %s", (last) => {
  // The last character before the padding carries 4 bits; U, V, W and X differ in none of them.
  const other = SECRET.replace("PaU=", `Pa${last}=`);
  expect(parseClusterSecret(other)).toEqual(parseClusterSecret(SECRET));
});

test.each([
  ["at the end", `${SECRET}\n`],
  ["in front", `\r\n${SECRET}`],
  ["inside", `${SECRET.slice(0, 20)}\n${SECRET.slice(20)}`],
  ["before the padding", SECRET.replace("=", "\r\n=\r\n")],
])("line ends are skipped, as Go does: %s", (_, text) => {
  expect(parseClusterSecret(text)).toEqual(parseClusterSecret(SECRET));
});

test("any 32 bytes are read as they were written", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      const text = Buffer.from(bytes).toString("base64");
      expect(parseClusterSecret(text)).toEqual(bytes);
      expect(generateClusterSecret(() => bytes)).toBe(text);
    }),
  );
});

test("a secret is its 32 bytes", () => {
  expect(parseClusterSecret(SECRET)).toEqual(new Uint8Array(Buffer.from(SECRET, "base64")));
  expect(parseClusterSecret(SECRET).buffer.byteLength).toBe(32);
});

test.each([
  ["nothing", ""],
  ["16 bytes", Buffer.alloc(16, 1).toString("base64")],
  ["31 bytes", Buffer.alloc(31, 1).toString("base64")],
  ["33 bytes", Buffer.alloc(33, 1).toString("base64")],
  ["no padding", SECRET.slice(0, -1)],
  ["padding twice", `${SECRET.slice(0, -2)}==`],
  ["one padding too many", `${SECRET}=`],
  ["padding inside", `${SECRET.slice(0, 20)}=${SECRET.slice(21)}`],
  ["bytes behind the padding", `${SECRET}AAAA`],
  ["the URL-safe alphabet", SECRET.replace("/", "_")],
  ["all of the URL-safe alphabet", SECRET.replaceAll("/", "_").replaceAll("+", "-")],
  ["a space in front", ` ${SECRET}`],
  ["a space at the end", `${SECRET} `],
  ["a space inside", `${SECRET.slice(0, 20)} ${SECRET.slice(20)}`],
  ["a tab inside", `${SECRET.slice(0, 20)}\t${SECRET.slice(20)}`],
  ["a vertical tab at the end", `${SECRET}\v`],
  ["another alphabet", SECRET.replace("E", "é")],
  ["hexadecimal digits", "10".repeat(32)],
])("%s is ERR_SECRET_INVALID, with the length and without the text", (_, text) => {
  const error = errorOf(text);
  expect(error.code).toBe("ERR_SECRET_INVALID");
  expect(error.message).toContain(`got ${text.length} characters`);
  expect(error.cause).toBeUndefined();
  if (text.length > 8) {
    for (let at = 0; at + 8 <= text.length; at++) {
      expect(error.message).not.toContain(text.slice(at, at + 8));
    }
  }
});

test("line ends are not counted, and not white space that is in the way", () => {
  const { message } = errorOf(`${SECRET.slice(0, -1)}\n`);
  expect(message).toContain("got 43 characters");
  expect(message).not.toContain("white space");
});

test("white space and the URL-safe alphabet are hinted at", () => {
  expect(errorOf(`${SECRET} `).message).toContain("white space");
  expect(errorOf(SECRET.replace("/", "_")).message).toContain("URL-safe");
});

test("a cipher refuses the same secrets", () => {
  expect(() => createClusterCipher(`${SECRET} `)).toThrow(
    expect.objectContaining({ code: "ERR_SECRET_INVALID" }),
  );
});
