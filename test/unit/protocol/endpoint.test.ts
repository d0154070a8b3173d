import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeEndpoint, encodeEndpoint } from "../../../src/protocol/index.ts";
import vectors from "../../vectors/endpoints.json" with { type: "json" };

const code = (code: string) => expect.objectContaining({ name: "DiscoveryError", code });
const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const invalid = code("ERR_ENDPOINT_INVALID");

test("every endpoint of the vectors has one encoding", () => {
  expect(vectors.endpoints.length).toBeGreaterThan(0);
  for (const { endpoint, encoded } of vectors.endpoints) {
    expect(encodeEndpoint(endpoint)).toEqual(bytesOf(encoded));
    expect(decodeEndpoint(bytesOf(encoded))).toBe(endpoint);
  }
});

test("equal endpoints in different spellings have equal bytes", () => {
  expect(encodeEndpoint("[FD00:0::0001]:051820")).toEqual(encodeEndpoint("[fd00::1]:51820"));
});

test.each([
  ["a field is cut", "0a04c0"],
  ["a tag without a value", "0a"],
  ["no address", "10ec9403"],
  ["nothing", ""],
  ["an address of five bytes", "0a05c00002010010ec9403"],
  ["an address of 15 bytes", "0a0f00000000000000000000000000000010ec9403"],
  ["a port over 65,535", "0a04c000020110808004"],
  ["a zone that is not UTF-8", "0a11fe800000000000000000000000000001ff10ec9403"],
  ["field number 0", "0000"],
  ["a varint without end", "0a04c00002011080808080808080808080808080"],
  ["a group that does not end", "0a04c00002011b"],
])("%s is ERR_ENDPOINT_INVALID", (_, hex) => {
  expect(() => decodeEndpoint(bytesOf(hex))).toThrow(invalid);
});

test("unknown fields are accepted", () => {
  expect(decodeEndpoint(bytesOf("0a04c000020110ec94031a03616263f80101"))).toBe("192.0.2.1:51820");
});

test("fields in another order are accepted, the last of equal ones counts", () => {
  expect(decodeEndpoint(bytesOf("10010a04c000020110ec9403"))).toBe("192.0.2.1:51820");
});

test.each(["", "192.0.2.1", "192.0.2.1:65536", "fd00::1:80", "[192.0.2.1]:80", "host:80"])(
  "%j is no endpoint",
  (text) => {
    expect(() => encodeEndpoint(text)).toThrow(invalid);
  },
);

test("any bytes give an endpoint or ERR_ENDPOINT_INVALID", () => {
  const like = fc
    .tuple(fc.uint8Array({ maxLength: 20 }), fc.nat(), fc.uint8Array({ maxLength: 6 }))
    .map(([ip, port, more]) =>
      Uint8Array.from([0x0a, ip.length, ...ip, 0x10, port & 0x7f, ...more]),
    );
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), like), (bytes) => {
      let text: string;
      try {
        text = decodeEndpoint(bytes);
      } catch (error) {
        expect(error).toEqual(invalid);
        return;
      }
      expect(decodeEndpoint(encodeEndpoint(text))).toBe(text);
    }),
    { numRuns: 2000 },
  );
});
