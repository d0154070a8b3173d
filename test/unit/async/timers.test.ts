import { getEventListeners } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { sleep, withinTime } from "../../../src/async/timers.ts";

const never = new Promise<never>(() => {});
const reason = new Error("enough");

let stop = new AbortController();
afterEach(() => {
  expect(getEventListeners(stop.signal, "abort"), "listeners are left").toEqual([]);
  stop = new AbortController();
});

describe("each wait ends with its signal, and leaves no listener", () => {
  const waits: Readonly<Record<string, (signal: AbortSignal) => Promise<unknown>>> = {
    sleep: (signal) => sleep(1e9, signal),
    withinTime: (signal) => withinTime(never, 1e9, () => new Error("late"), sleep, signal),
  };

  test.each(Object.entries(waits))("%s", async (_, wait) => {
    const waiting = expect(wait(stop.signal)).rejects.toBe(reason);
    stop.abort(reason);
    await waiting;
    await expect(wait(AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe("a wait that has what it waits for leaves no listener", () => {
  test("sleep", async () => {
    await sleep(0, stop.signal);
  });

  test("withinTime gives what the promise gives, or fails when its time is over", async () => {
    const late = () => new Error("late");
    await expect(withinTime(Promise.resolve(1), 1e9, late, sleep, stop.signal)).resolves.toBe(1);
    await expect(withinTime(never, 0, late, sleep, stop.signal)).rejects.toThrow("late");
  });
});
