import fc from "fast-check";
import { expect, test } from "vitest";
import { DiscoveryError } from "../../../src/errors.ts";
import { base62 } from "../../../src/identity/index.ts";
import vectors from "../../vectors/base62.json" with { type: "json" };
import { slowDecode, slowEncode } from "./slow-base62.ts";

const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));

test("the encoding of every vector holds", () => {
  expect(vectors.encode.length).toBeGreaterThan(0);
  for (const { hex, text } of vectors.encode) {
    expect(base62.encode(bytesOf(hex))).toBe(text);
    expect(base62.decode(text)).toEqual(bytesOf(hex));
  }
});

test("every vector that is to be decoded gives its bytes or its error, with the position", () => {
  for (const vector of vectors.decode) {
    if (vector.hex === undefined) {
      expect(() => base62.decode(vector.text)).toThrow(
        new DiscoveryError("ERR_BASE62_INVALID", vector.error ?? ""),
      );
    } else {
      expect(base62.decode(vector.text)).toEqual(bytesOf(vector.hex));
      expect(base62.encode(bytesOf(vector.hex)) === vector.text).toBe(vector.canonical);
    }
  }
});

test("what is encoded decodes to itself", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      expect(base62.decode(base62.encode(bytes))).toEqual(bytes);
    }),
  );
});

test("bytes full of escapes decode to themselves", () => {
  const escapes = fc.constantFrom(0x00, 0x1e, 0x1f, 0x3e, 0x3f, 0x78, 0x7c, 0xde, 0xf8, 0xfb, 0xff);
  fc.assert(
    fc.property(fc.array(escapes, { maxLength: 40 }), (values) => {
      const bytes = Uint8Array.from(values);
      expect(base62.encode(bytes)).toBe(slowEncode(bytes));
      expect(base62.decode(base62.encode(bytes))).toEqual(bytes);
    }),
  );
});

test("the slow twin, made of a string of bits, agrees", () => {
  const texts = fc.stringMatching(/^[A-Za-z0-9]{0,60}$/);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), texts, (bytes, text) => {
      expect(base62.encode(bytes)).toBe(slowEncode(bytes));
      expect(base62.decode(text)).toEqual(slowDecode(text));
    }),
    { numRuns: 500 },
  );
});

test("any text gives bytes or ERR_BASE62_INVALID at its first foreign character", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
      const position = text.search(/[^A-Za-z0-9]/);
      if (position < 0) expect(base62.decode(text)).toBeInstanceOf(Uint8Array);
      else {
        expect(() => base62.decode(text)).toThrow(
          new DiscoveryError("ERR_BASE62_INVALID", `illegal base62 data at input byte ${position}`),
        );
      }
    }),
  );
});

test("the bytes that are encoded stay as they are, also in a view of a larger buffer", () => {
  const buffer = Uint8Array.from({ length: 64 }, (_, i) => i * 7);
  const view = buffer.subarray(5, 37);
  expect(base62.encode(view)).toBe(slowEncode(view.slice()));
  expect(buffer).toEqual(Uint8Array.from({ length: 64 }, (_, i) => i * 7));
});

test("decoded bytes own their buffer", () => {
  const bytes = base62.decode("Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd");
  expect(bytes.buffer.byteLength).toBe(32);
});

test("the codec is frozen", () => {
  expect(Object.isFrozen(base62)).toBe(true);
});

test("arguments of another type are a TypeError", () => {
  expect(() => base62.encode("text" as never)).toThrow(TypeError);
  expect(() => base62.decode(new Uint8Array(3) as never)).toThrow(TypeError);
});
