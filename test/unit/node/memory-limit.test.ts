import { expect, test } from "vitest";
import {
  availableMemory,
  MIN_MAX_MEMORY,
  parseHeapLimit,
  readMachineMemory,
  resolveMaxMemory,
} from "../../../src/node/memory-limit.ts";

const MI = 2 ** 20;

test("the memory is half of the container's limit, if that is under twice the heap", () => {
  expect(resolveMaxMemory({ constrained: 512 * MI, heapLimit: 260 * MI })).toBe(256 * MI);
});

test("the memory is the heap's limit, if twice that is under the container's", () => {
  expect(resolveMaxMemory({ constrained: 8192 * MI, heapLimit: 2048 * MI })).toBe(2048 * MI);
});

test.each([0, 2 ** 64, Number.POSITIVE_INFINITY])(
  "a limit of %d is none: the heap's counts",
  (constrained) => {
    expect(resolveMaxMemory({ constrained, heapLimit: 1000 * MI })).toBe(1000 * MI);
  },
);

test("the memory is a whole number of bytes, and never less than a service needs", () => {
  expect(resolveMaxMemory({ constrained: 100_000_001, heapLimit: 512 * MI })).toBe(50_000_000);
  expect(resolveMaxMemory({ constrained: MI, heapLimit: 512 * MI })).toBe(MIN_MAX_MEMORY);
});

test("this process has a heap limit, and memory that is available", () => {
  const machine = readMachineMemory();
  expect(machine.heapLimit).toBeGreaterThan(MI);
  expect(machine.constrained).toBeGreaterThanOrEqual(0);
  expect(availableMemory(machine)).toBeLessThanOrEqual(2 * machine.heapLimit);
});

test.each([
  ["--max-old-space-size=384", 384 * MI],
  ["--expose-gc --max_old_space_size 512", 512 * MI],
  ["--max-old-space-size=512 --max-old-space-size=384", 384 * MI],
  ["--max-old-space-size=0", undefined],
  ["--max-semi-space-size=16", undefined],
  ["", undefined],
])("the flags %j set the heap's limit to %j", (flags, bytes) => {
  expect(parseHeapLimit(flags)).toBe(bytes);
});
