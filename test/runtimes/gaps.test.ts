import { expect, test } from "vitest";
import { judge } from "./gaps.ts";

const gap = { runtime: "bun", test: "a watch", reason: "no streams" };

test("a failure that is listed for this runtime is a gap, and one that is not is a failure", () => {
  const results = [{ name: "a list" }, { name: "a watch", error: "cut off" }];
  expect(judge("bun", results, [gap])).toEqual({ passed: 1, failures: [], gaps: [gap] });
  expect(judge("deno", results, [gap])).toEqual({
    passed: 1,
    failures: ["FAILED a watch\ncut off"],
    gaps: [],
  });
});

test("a gap that passes, and one without a test, fail the run", () => {
  expect(judge("bun", [{ name: "a watch" }], [gap]).failures).toEqual([
    "listed as a gap, but passes: a watch",
  ]);
  expect(judge("bun", [{ name: "a list" }], [gap]).failures).toEqual([
    "listed as a gap, but there is no test: a watch",
  ]);
});
