import { expect, test } from "vitest";
import { createLog, type LogLevel } from "../../../../src/cli/serve/log.ts";
import { createRefusalLog } from "../../../../src/cli/serve/refusal-log.ts";
import { createManualClock } from "../../../harness/registry/manual-clock.ts";

function createTestLog(level: LogLevel = "info") {
  const lines: string[] = [];
  const output = { isTerminal: false, write: (text: string) => lines.push(text) };
  const clock = createManualClock();
  const refusals = createRefusalLog(
    createLog(output, { format: "json", level, now: () => 0 }),
    clock.schedule,
  );
  /** The lines since the last call. */
  const logged = () =>
    lines.splice(0).map((line) => {
      const { reason, count, clients } = JSON.parse(line);
      return [reason, count, clients];
    });
  return { clock, refusals, logged, lines };
}

test("a burst is one line after a second, and the next line comes a minute later", async () => {
  const { clock, refusals, logged } = createTestLog();
  for (let i = 0; i < 5; i++) refusals.add("rate_limit", "10.0.0.1");
  refusals.add("rate_limit", "10.0.0.2");
  expect(logged()).toEqual([]);
  await clock.advance(1000);
  expect(logged()).toEqual([["rate_limit", 6, "10.0.0.1 (5), 10.0.0.2 (1)"]]);
  refusals.add("rate_limit", "10.0.0.3");
  await clock.advance(59_999);
  refusals.add("rate_limit", "10.0.0.3");
  expect(logged()).toEqual([]);
  await clock.advance(1);
  expect(logged()).toEqual([["rate_limit", 2, "10.0.0.3 (2)"]]);
  await clock.advance(600_000);
  expect(logged()).toEqual([]);
  refusals.add("rate_limit", "10.0.0.3");
  await clock.advance(1000);
  expect(logged()).toEqual([["rate_limit", 1, "10.0.0.3 (1)"]]);
});

test("a line has a time, the level info and the words of a refusal", async () => {
  const { clock, refusals, lines } = createTestLog();
  refusals.add("cluster_share", "10.0.0.1");
  await clock.advance(1000);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      level: "info",
      ts: 0,
      reason: "cluster_share",
      count: 1,
      clients: "10.0.0.1 (1)",
      msg: "refused",
    },
  ]);
});

test("each reason has its own line and minute", async () => {
  const { clock, refusals, logged } = createTestLog();
  refusals.add("rate_limit", "10.0.0.1");
  await clock.advance(500);
  refusals.add("watch_share", "10.0.0.1");
  await clock.advance(500);
  expect(logged().map(([reason]) => reason)).toEqual(["rate_limit"]);
  await clock.advance(500);
  expect(logged().map(([reason]) => reason)).toEqual(["watch_share"]);
});

test("ten clients are named, and how many others there are", async () => {
  const { clock, refusals, logged } = createTestLog();
  for (let host = 1; host <= 11; host++) {
    for (let i = 0; i < host; i++) refusals.add("probe_limit", `10.0.0.${host}`);
  }
  await clock.advance(1000);
  const [[, count, clients] = []] = logged();
  expect(count).toBe(66);
  expect(clients).toMatch(/^10\.0\.0\.11 \(11\), 10\.0\.0\.10 \(10\), .* \(2\) and 1 other$/);
});

test("of a flood of addresses the largest is named, and the others are more than are counted", async () => {
  const { clock, refusals, logged } = createTestLog();
  for (let i = 0; i < 50_000; i++) {
    refusals.add("connection_limit", `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    if (i % 5 === 0) refusals.add("connection_limit", "192.0.2.1");
  }
  await clock.advance(1000);
  const [[, count, clients] = []] = logged();
  expect(count).toBe(60_000);
  expect(clients).toMatch(/^192\.0\.2\.1 \(9\d{3}\), .* and over \d+ others$/);
});

test("one client is an IPv4 address, also mapped, or an IPv6 network of 64 bits", async () => {
  const { clock, refusals, logged } = createTestLog();
  for (const address of ["::ffff:10.0.0.1", "10.0.0.1", "2001:db8::1", "2001:db8::ffff:1"]) {
    refusals.add("malformed", address);
  }
  refusals.add("malformed", "fe80::1%eth0");
  for (const address of [undefined, "a:b"]) refusals.add("malformed", address);
  await clock.advance(1000);
  expect(logged()).toEqual([
    ["malformed", 7, "10.0.0.1 (2), 2001:db8::/64 (2), unknown (2), fe80::/64 (1)"],
  ]);
});

test("how good connections end too is for debugging", async () => {
  for (const level of ["info", "debug"] as const) {
    const { clock, refusals, logged } = createTestLog(level);
    refusals.add("connection_idle", "10.0.0.1");
    refusals.add("ping_timeout", "10.0.0.1");
    await clock.advance(1000);
    expect(logged()).toHaveLength(level === "debug" ? 2 : 0);
  }
});

test("what waits for its line is logged at the end, once", async () => {
  const { clock, refusals, logged } = createTestLog();
  refusals.add("rate_limit", "10.0.0.1");
  refusals.flush();
  expect(logged()).toHaveLength(1);
  await clock.advance(60_000);
  expect(logged()).toEqual([]);
});
