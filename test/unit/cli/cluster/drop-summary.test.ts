import { expect, test } from "vitest";
import { DropSummary } from "../../../../src/cli/cluster/drop-summary.ts";
import type { DropReport } from "../../../../src/client/index.ts";

/** The line that is told of a report. */
function lineOf(drops: DropSummary, report: DropReport): string | undefined {
  let line: string | undefined;
  drops.add(report, (text) => {
    line = text;
  });
  return line;
}

const unopened = (nodeId: string) => ({ reason: "affiliate_tag_mismatch", nodeId }) as const;

test("nothing dropped is no line", () => {
  expect(new DropSummary().summary(3)).toBeUndefined();
});

test("each affiliate counts once, under the reason of its last report", () => {
  const drops = new DropSummary();
  expect(lineOf(drops, unopened("a"))).toBe("affiliate a is not shown: sealed with another secret");
  expect(lineOf(drops, unopened("a"))).toBeUndefined();
  drops.add({ reason: "affiliate_too_short", nodeId: "b", bytes: 3 });
  drops.add({ reason: "affiliate_malformed", nodeId: "c" });
  expect(lineOf(drops, { reason: "affiliate_id_mismatch", nodeId: "a", sealedNodeId: "d" })).toBe(
    "affiliate a is not shown: listed under another node's ID",
  );
  expect(drops.summary(1)).toBe(
    "3 of 4 affiliates did not open: listed under another node's ID, bad data",
  );
});

test("bad endpoints cost no affiliate", () => {
  const drops = new DropSummary();
  expect(lineOf(drops, { reason: "endpoint_malformed", nodeId: "a", index: 0 })).toBeUndefined();
  expect(lineOf(drops, { reason: "endpoints_over_limit", nodeId: "a", count: 9 })).toBeUndefined();
  expect(drops.summary(1)).toBeUndefined();
});

test("affiliates over the limit count, too", () => {
  const drops = new DropSummary();
  expect(lineOf(drops, { reason: "affiliates_over_limit", nodeId: "a", count: 10 })).toBe(
    "the service lists 10 affiliates too many, which are not shown",
  );
  expect(drops.summary(4096)).toBe("10 of 4106 affiliates did not open: too many at once");
});

test("somebody who writes wrongly all the time fills no log and no memory", () => {
  const drops = new DropSummary();
  const lines: string[] = [];
  for (let number = 0; number < 10_000; number++) {
    drops.add(unopened(`stranger-${number}`), (line) => lines.push(line));
  }
  expect(lines).toHaveLength(101);
  expect(lines.at(-1)).toBe("further affiliates that are not shown are not told of");
  expect(drops.summary(1)).toBe("4096 of 4097 affiliates did not open: sealed with another secret");
});

test("what is only counted leaves room for what is told", () => {
  const drops = new DropSummary();
  for (let number = 0; number < 1000; number++) drops.add(unopened(`early-${number}`));
  expect(lineOf(drops, unopened("late"))).toContain("affiliate late is not shown");
});
