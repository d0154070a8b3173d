import { expect, test } from "vitest";
import {
  CallCounts,
  clientVersionLabel,
} from "../../../../../src/cli/serve/metrics/call-counts.ts";

test.each([
  ["v1.8.3", "v1.8"],
  ["v1.12.0", "v1.12"],
  ["v1.9.0-alpha.1", "v1.9-pre"],
  ["v1.9.0-alpha.1-22-gdeadbeef-dirty", "v1.9-pre"],
  ["", "unknown"],
  ["1.8.3", "unknown"],
  ["v1.8", "unknown"],
  ["vXY.ZZ.a", "unknown"],
  ['v1.8.3"} 1\nforged', "unknown"],
  [`v${"9".repeat(400)}.1.1`, "unknown"],
])("the version %j is counted as %s", (version, label) => {
  expect(clientVersionLabel(version)).toBe(label);
});

function hello(counts: CallCounts, clientVersion: string, times = 1): void {
  for (let time = 0; time < times; time++) {
    counts.hooks.onCallEnd({
      method: "Hello",
      path: "fast",
      code: "OK",
      durationMs: 1,
      clientAddress: undefined,
      clusterId: "c",
      affiliateId: undefined,
      clientVersion,
      messagesSent: 1,
      error: undefined,
    });
  }
}

test("invented versions are bounded, and take no place from real ones, old or new", () => {
  const counts = new CallCounts();
  hello(counts, "v1.12.1", 5);
  for (let minor = 0; minor < 300; minor++) hello(counts, `v7.${minor}.0`);
  expect(counts.versions.size).toBe(100);
  hello(counts, "v1.13.0", 2);
  for (let minor = 300; minor < 600; minor++) hello(counts, `v7.${minor}.0`);
  expect(counts.versions.size).toBe(100);
  expect(counts.versions.get("v1.12")).toBe(5);
  expect(counts.versions.get("v1.13")).toBe(2);
  expect(counts.versions.get("v7.599")).toBe(1);
  // Of those that were seen as rarely, the oldest went.
  expect(counts.versions.has("v7.503")).toBe(true);
  expect(counts.versions.has("v7.502")).toBe(false);
  const sum = [...counts.versions.values()].reduce((total, count) => total + count);
  expect(sum).toBe(5 + 300 + 2 + 300);
});
