import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { withBodyTimeout } from "../../../../src/server/rpc/request-body.ts";

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
