import fc from "fast-check";
import { expect, test } from "vitest";
import { LargestCounts } from "../../../../src/cli/serve/largest-counts.ts";

test("few names are counted exactly, the largest first", () => {
  const counts = new LargestCounts(8);
  for (const name of ["a", "b", "b", "c", "b", "c"]) counts.add(name);
  expect(counts.largest(2)).toEqual([
    ["b", 3],
    ["c", 2],
  ]);
  expect(counts.total).toBe(6);
  expect(counts.names).toBe(3);
  expect(counts.isComplete).toBe(true);
});

test("a flood of names does not hide the one that is counted most", () => {
  const counts = new LargestCounts(64);
  for (let i = 0; i < 100_000; i++) {
    counts.add(`stranger ${i}`);
    if (i % 10 === 0) counts.add("frequent");
  }
  const [[name, count] = ["", 0]] = counts.largest(1);
  expect(name).toBe("frequent");
  expect(count).toBeLessThanOrEqual(10_000);
  expect(count).toBeGreaterThan(10_000 - (2 / 64) * counts.total);
  expect(counts.total).toBe(110_000);
  expect(counts.isComplete).toBe(false);
  expect(counts.names).toBe(64);
});

test("no count is too high, nor lower by more than 2/maxNames of the total", () => {
  const maxNames = 6;
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (picks) => {
      const counts = new LargestCounts(maxNames);
      const exact = new Map<string, number>();
      for (const pick of picks) {
        counts.add(String(pick));
        exact.set(String(pick), (exact.get(String(pick)) ?? 0) + 1);
      }
      const kept = new Map(counts.largest(maxNames));
      expect(kept.size).toBeLessThan(maxNames);
      for (const [name, count] of exact) {
        expect(kept.get(name) ?? 0).toBeLessThanOrEqual(count);
        expect(kept.get(name) ?? 0).toBeGreaterThanOrEqual(count - (2 / maxNames) * picks.length);
      }
      expect(counts.names).toBeLessThanOrEqual(exact.size);
    }),
  );
});
