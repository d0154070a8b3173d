import { expect, test } from "vitest";
import { DropSummary } from "../../../../src/cli/cluster/drop-summary.ts";

test("nothing dropped is no line", () => {
  expect(new DropSummary().summary(3)).toBeUndefined();
});

test("each affiliate counts once, under the reason of its last report", () => {
  const drops = new DropSummary();
  expect(drops.add({ reason: "affiliate_tag_mismatch", nodeId: "a" })).toBe(
    "affiliate a is not shown: sealed with another secret",
  );
  expect(drops.add({ reason: "affiliate_tag_mismatch", nodeId: "a" })).toBeUndefined();
  drops.add({ reason: "affiliate_too_short", nodeId: "b", bytes: 3 });
  drops.add({ reason: "affiliate_malformed", nodeId: "c" });
  expect(drops.add({ reason: "affiliate_id_mismatch", nodeId: "a", sealedNodeId: "d" })).toBe(
    "affiliate a is not shown: listed under another node's ID",
  );
  expect(drops.summary(1)).toBe(
    "3 of 4 affiliates did not open: listed under another node's ID, bad data",
  );
});

test("bad endpoints cost no affiliate", () => {
  const drops = new DropSummary();
  expect(drops.add({ reason: "endpoint_malformed", nodeId: "a", index: 0 })).toBeUndefined();
  expect(drops.add({ reason: "endpoints_over_limit", nodeId: "a", count: 9 })).toBeUndefined();
  expect(drops.summary(1)).toBeUndefined();
});

test("affiliates over the limit count, too", () => {
  const drops = new DropSummary();
  expect(drops.add({ reason: "affiliates_over_limit", nodeId: "a", count: 10 })).toBe(
    "the service lists 10 affiliates too many, which are not shown",
  );
  expect(drops.summary(4096)).toBe("10 of 4106 affiliates did not open: too many at once");
});
