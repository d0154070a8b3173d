import { expect, test } from "vitest";
import { createRunningClock } from "../../../src/node/running-clock.ts";
import { MemoryRegistry } from "../../../src/registry/index.ts";
import { createManualClock } from "../../harness/registry/manual-clock.ts";

const HELLO = { clusterId: "c", endpoints: [], ttlMs: 4000 } as const;

test("a running process counts every millisecond", async () => {
  const time = createManualClock();
  using clock = createRunningClock(time);
  const start = clock.now();
  await time.advance(60_000);
  expect(clock.now() - start).toBe(60_000);
});

test("a pause does not count, whoever asks first after it", async () => {
  const time = createManualClock();
  using clock = createRunningClock(time);
  const start = clock.now();
  await time.advance(1000);
  time.jump(3_600_000);
  // Up to a beat of it might have been running.
  expect(clock.now() - start).toBe(1250);
  await time.advance(1000);
  expect(clock.now() - start).toBe(2250);
});

test("a process that is a little late has not paused", async () => {
  const time = createManualClock();
  using clock = createRunningClock(time);
  const start = clock.now();
  time.jump(900);
  await time.advance(100);
  expect(clock.now() - start).toBe(1000);
});

test("a clock has a timer from its first use until it is stopped, and goes on then", async () => {
  const time = createManualClock();
  const clock = createRunningClock(time);
  expect(time.pending).toBe(0);
  time.jump(10_000);
  const before = clock.now();
  expect(time.pending).toBe(1);
  clock.stop();
  expect(time.pending).toBe(0);
  time.jump(10_000);
  expect(clock.now() - before).toBe(10_000);
  expect(time.pending).toBe(0);
});

test("nobody is announced as gone for the time in which the process was stopped and read no refresh", async () => {
  const time = createManualClock();
  using clock = createRunningClock(time);
  const registry = new MemoryRegistry({ now: clock.now, schedule: time.schedule });
  for (const affiliateId of ["alive", "dead"]) registry.update({ ...HELLO, affiliateId });
  const watch = registry.watch("c")[Symbol.asyncIterator]();
  await watch.next();
  await time.advance(1900);
  time.jump(10_000);
  // What waited in the sockets comes now, one connection after the other.
  registry.update({ ...HELLO, affiliateId: "alive" });
  expect(registry.list("c").map(({ id }) => id)).toEqual(["alive", "dead"]);
  await time.advance(2200);
  expect((await watch.next()).value).toEqual({ kind: "deleted", ids: ["dead"] });
  expect(registry.list("c").map(({ id }) => id)).toEqual(["alive"]);
  await registry.close();
});
