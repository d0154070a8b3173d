import { expect, test } from "vitest";
import { inSlices } from "../../../../src/node/http/request-listener.ts";

async function* chunksOf(...sizes: number[]): AsyncGenerator<Uint8Array> {
  for (const [i, size] of sizes.entries()) yield new Uint8Array(size).fill(i);
}

test("small chunks stay, larger ones come in pieces of at most 32 KiB", async () => {
  const sizes: number[] = [];
  const bytes: number[] = [];
  for await (const slice of inSlices(chunksOf(5, 0, 32_768, 70_000, 1))) {
    sizes.push(slice.length);
    bytes.push(...new Set(slice));
  }
  expect(sizes).toEqual([5, 0, 32_768, 32_768, 32_768, 4464, 1]);
  expect(bytes).toEqual([0, 2, 3, 3, 3, 4]);
});

test("leaving in the middle of a chunk ends the body", async () => {
  const body = chunksOf(70_000, 1);
  for await (const _ of inSlices(body)) break;
  expect(await body.next()).toEqual({ done: true, value: undefined });
});

test("an error of the reader reaches the body", async () => {
  const slices = inSlices(chunksOf(70_000))[Symbol.asyncIterator]();
  await slices.next();
  await expect(slices.throw?.(new Error("broken pipe"))).rejects.toThrow("broken pipe");
});

test("an error of the body reaches the reader", async () => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(1);
    throw new Error("lost");
  }
  const slices = inSlices(failing())[Symbol.asyncIterator]();
  await slices.next();
  await expect(slices.next()).rejects.toThrow("lost");
});
