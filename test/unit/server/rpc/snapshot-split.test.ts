import fc from "fast-check";
import { expect, test } from "vitest";
import { splitBySize } from "../../../../src/server/rpc/snapshot-split.ts";

const identity = (size: number) => size;

test("nothing is one empty group", () => {
  expect(splitBySize([], identity, 10)).toEqual([[]]);
});

test("what fits exactly is one group, one byte more makes two", () => {
  expect(splitBySize([4, 6], identity, 10)).toEqual([[4, 6]]);
  expect(splitBySize([4, 7], identity, 10)).toEqual([[4], [7]]);
});

test("an item over the limit stands alone", () => {
  expect(splitBySize([1, 11, 1], identity, 10)).toEqual([[1], [11], [1]]);
});

test("groups keep all items in order, within the limit, and no two neighbours would fit together", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 100 })), (sizes) => {
      const groups = splitBySize(sizes, identity, 100);
      const sum = (group: readonly number[]) => group.reduce((a, b) => a + b, 0);
      expect(groups.flat()).toEqual(sizes);
      for (const [i, group] of groups.entries()) {
        expect(sum(group)).toBeLessThanOrEqual(100);
        const next = groups[i + 1]?.[0];
        if (next !== undefined) expect(sum(group) + next).toBeGreaterThan(100);
      }
    }),
  );
});
