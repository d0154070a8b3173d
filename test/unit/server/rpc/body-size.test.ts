import fc from "fast-check";
import { expect, test } from "vitest";
import { observeBodySize } from "../../../../src/server/rpc/body-size.ts";

function timesTold(contentType: string, body: Uint8Array, pieces: readonly number[]): number {
  let told = 0;
  const observe = observeBodySize(contentType, 300, () => told++);
  let at = 0;
  for (const piece of [...pieces, body.length]) {
    observe(body.subarray(at, at + piece));
    at += piece;
  }
  return told;
}

function framed(length: number, sent = length): Uint8Array {
  const body = new Uint8Array(5 + sent);
  new DataView(body.buffer).setUint32(1, length);
  return body;
}

const PIECES = [fc.array(fc.nat(10), { maxLength: 20 })] as const;

test.each([
  "application/grpc",
  "application/grpc+proto",
  "application/grpc-web+proto",
  "application/connect+json",
])("a message in %s is as large as its head says, however it is cut", (contentType) => {
  fc.assert(
    fc.property(...PIECES, (pieces) => {
      expect(timesTold(contentType, framed(300), pieces)).toBe(0);
      expect(timesTold(contentType, framed(301), pieces)).toBe(1);
      expect(timesTold(contentType, framed(0xffff_ffff, 0), pieces)).toBe(1);
      expect(timesTold(contentType, framed(0xffff_ffff, 0).subarray(0, 4), pieces)).toBe(0);
    }),
  );
});

test.each(["application/proto", "application/json"])(
  "a body of %s is the message",
  (contentType) => {
    fc.assert(
      fc.property(...PIECES, (pieces) => {
        expect(timesTold(contentType, new Uint8Array(300), pieces)).toBe(0);
        expect(timesTold(contentType, new Uint8Array(301).fill(255), pieces)).toBe(1);
      }),
    );
  },
);
