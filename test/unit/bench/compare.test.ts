import { expect, test } from "vitest";
import { type Comparison, compare, type Version } from "../../../bench/harness/compare.ts";
import { pool, summarizeMeasurement } from "../../../bench/harness/measurement.ts";
import { quantile, summarize } from "../../../bench/harness/statistics.ts";
import { formatDuration, formatTable } from "../../../bench/harness/table.ts";

/** A clock that stands still but for what an operation adds. */
function createClock() {
  let ms = 0;
  return {
    now: () => ms,
    spend: (spentMs: number) => {
      ms += spentMs;
    },
  };
}

const options = { rounds: 4, batchMs: 10, warmUpMs: 20 };

test("a ratio says how many times as long as ours another version takes", async () => {
  const { now, spend } = createClock();
  const comparison: Comparison = {
    name: "spend",
    verify: () => {},
    versions: [
      { name: "ours", run: () => spend(1) },
      { name: "slow", run: () => spend(3) },
    ],
  };
  const { versions } = summarizeMeasurement(await compare(comparison, { ...options, now }));
  expect(versions.map(({ name, values }) => [name, values.median])).toEqual([
    ["ours", 1e6],
    ["slow", 3e6],
  ]);
  expect(versions[0]).not.toHaveProperty("ratio");
  expect(versions[1]?.ratio).toMatchObject({ samples: 4, min: 3, median: 3, max: 3 });
});

test("versions take turns, and each round begins with another one", async () => {
  const { now, spend } = createClock();
  const order: string[] = [];
  const version = (name: string): Version => ({
    name,
    setup: () => void order.push(name),
    run: () => spend(1),
  });
  await compare(
    {
      name: "order",
      verify: () => {},
      operations: 1,
      versions: [version("a"), version("b"), version("c")],
    },
    { ...options, warmUpMs: 0, now },
  );
  // Once each to warm up, then four rounds.
  expect(order.join("")).toBe("abcabcbcacababc");
});

test("nothing is timed where results differ", async () => {
  let runs = 0;
  const comparison: Comparison = {
    name: "wrong",
    verify: () => {
      throw new Error("results differ");
    },
    versions: [{ name: "ours", run: () => runs++ }],
  };
  await expect(compare(comparison, options)).rejects.toThrow("results differ");
  expect(runs).toBe(0);
});

test("a promise is awaited, and set-up and teardown are not timed", async () => {
  const { now, spend } = createClock();
  const torn: number[] = [];
  const version: Version<number> = {
    name: "ours",
    setup: (operations) => {
      spend(100);
      return operations;
    },
    run: async (index, state) => {
      await Promise.resolve();
      expect(index).toBeLessThan(state);
      spend(2);
    },
    teardown: (state) => {
      spend(100);
      torn.push(state);
    },
  };
  const { versions } = await compare(
    { name: "wait", verify: () => {}, operations: 5, unitsPerOperation: 2, versions: [version] },
    { ...options, warmUpMs: 0, now },
  );
  expect(versions[0]?.values).toEqual([1e6, 1e6, 1e6, 1e6]);
  expect(torn).toEqual([5, 5, 5, 5, 5]);
});

test("values of several processes are pooled round by round, so that ratios stay within a round", () => {
  const measured = (ours: number[], other: number[]) => [
    {
      name: "case",
      unit: "ns" as const,
      versions: [
        { name: "ours", values: ours },
        { name: "other", values: other },
      ],
    },
  ];
  // A process in which everything takes ten times as long changes no ratio.
  const [pooled] = pool([measured([1, 2], [2, 4]), measured([10, 20], [20, 40])]).map(
    summarizeMeasurement,
  );
  expect(pooled?.versions[0]?.values).toMatchObject({ samples: 4, min: 1, max: 20 });
  expect(pooled?.versions[1]?.ratio).toMatchObject({ samples: 4, min: 2, max: 2 });
});

test("quantiles lie between the nearest values", () => {
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
  expect(quantile([7], 0.99)).toBe(7);
  expect(() => quantile([], 0.5)).toThrow(RangeError);
  expect(summarize([3, 1, 2])).toMatchObject({ samples: 3, min: 1, p25: 1.5, median: 2, max: 3 });
});

test("the table has a line per version, and the ratio of all but ours", () => {
  const ours = summarize([1000, 2000, 3000]);
  const text = formatTable([
    {
      name: "case",
      unit: "ns",
      versions: [
        { name: "ours", values: ours },
        { name: "other", values: ours, ratio: summarize([2, 2, 2]) },
      ],
    },
  ]);
  expect(text).toMatch(/^case +median +p25 \.\. p75/);
  expect(text).toMatch(/\n {2}ours +2\.00 µs +1\.50 µs \.\. 2\.50 µs +1\.00 µs \.\. 3\.00 µs/);
  expect(text).toMatch(/\n {2}other .* 2\.00 \(2\.00 \.\. 2\.00\)\n/);
  expect([0.5, 1500, 2.5e6, 3e9].map(formatDuration)).toEqual([
    "0.500 ns",
    "1.50 µs",
    "2.50 ms",
    "3.00 s",
  ]);
});
