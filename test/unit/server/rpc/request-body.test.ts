import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { observeBodySize, withBodyTimeout } from "../../../../src/server/rpc/request-body.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function* chunksThen(end: Promise<void>): AsyncGenerator<Uint8Array> {
  yield new Uint8Array([1]);
  await end;
  yield new Uint8Array([2]);
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<number[]> {
  const bytes: number[] = [];
  for await (const chunk of body) bytes.push(...chunk);
  return bytes;
}

test("a body passes unchanged, and leaves no timer", async () => {
  expect(await readAll(withBodyTimeout(chunksThen(Promise.resolve()), 1000))).toEqual([1, 2]);
  expect(vi.getTimerCount()).toBe(0);
});

test("a body that has not ended in time is DeadlineExceeded", async () => {
  const reading = readAll(withBodyTimeout(chunksThen(new Promise(() => {})), 1000));
  const failed = expect(reading).rejects.toMatchObject({ code: Code.DeadlineExceeded });
  await vi.advanceTimersByTimeAsync(1000);
  await failed;
  expect(vi.getTimerCount()).toBe(0);
});

test("a reader that leaves leaves no timer", async () => {
  for await (const _ of withBodyTimeout(chunksThen(Promise.resolve()), 1000)) break;
  expect(vi.getTimerCount()).toBe(0);
});

test("an error of the body is passed on", async () => {
  const broken = chunksThen(Promise.reject(new Error("reset")));
  await expect(readAll(withBodyTimeout(broken, 1000))).rejects.toThrow("reset");
  expect(vi.getTimerCount()).toBe(0);
});

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
