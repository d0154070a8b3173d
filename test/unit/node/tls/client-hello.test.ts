import { expect, test } from "vitest";
import { isWholeHello } from "../../../../src/node/tls/client-hello.ts";

/** `client_hello` of 300 bytes. */
const MESSAGE = Buffer.concat([Buffer.from([1, 0, 1, 44]), Buffer.alloc(300, 7)]);

function record(content: Uint8Array, type = 22): Buffer {
  return Buffer.concat([
    Buffer.from([type, 3, 1, content.length >> 8, content.length & 255]),
    content,
  ]);
}

test("a ClientHello is whole with its last byte", () => {
  const bytes = record(MESSAGE);
  for (let length = 0; length < bytes.length; length++) {
    expect(isWholeHello(bytes.subarray(0, length)), `${length} bytes`).toBe(false);
  }
  expect(isWholeHello(bytes)).toBe(true);
});

test("a ClientHello may be spread over records, also its length", () => {
  for (const size of [1, 2, 3, 4, 5, 100, 303]) {
    const records: Buffer[] = [];
    for (let at = 0; at < MESSAGE.length; at += size) {
      records.push(record(MESSAGE.subarray(at, at + size)));
    }
    const bytes = Buffer.concat(records);
    expect(isWholeHello(bytes.subarray(0, -1)), `records of ${size} bytes`).toBe(false);
    expect(isWholeHello(bytes), `records of ${size} bytes`).toBe(true);
  }
});

test("what is no ClientHello is not waited for", () => {
  expect(isWholeHello(Buffer.from("GET / HTTP/1.1"))).toBe(true);
  expect(isWholeHello(record(Buffer.alloc(0)))).toBe(true);
  expect(isWholeHello(Buffer.concat([record(MESSAGE.subarray(0, 9)), record(MESSAGE, 23)]))).toBe(
    true,
  );
  // Longer than any.
  expect(isWholeHello(record(Buffer.from([1, 255, 255, 255])))).toBe(true);
  expect(isWholeHello(Buffer.alloc(40_000, record(Buffer.of(1))))).toBe(true);
});
