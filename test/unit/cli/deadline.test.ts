import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Deadline } from "../../../src/cli/deadline.ts";

let user: AbortController;
beforeEach(() => {
  vi.useFakeTimers();
  user = new AbortController();
});
afterEach(() => {
  expect(getEventListeners(user.signal, "abort"), "listeners are left").toEqual([]);
  expect(vi.getTimerCount(), "timers are left").toBe(0);
  vi.useRealTimers();
});

describe("a deadline", () => {
  test("ends when the time is up, and says how long that was", async () => {
    using deadline = new Deadline({ signal: user.signal, timeoutMs: 1500 });
    await vi.advanceTimersByTimeAsync(1499);
    expect(deadline.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(deadline.signal.reason).toMatchObject({ message: "no answer within 1.5 s" });
  });

  test("ends with the user's signal, for its reason", () => {
    using deadline = new Deadline({ signal: user.signal, timeoutMs: 1500 });
    const reason = new Error("enough");
    user.abort(reason);
    expect(deadline.signal.reason).toBe(reason);
  });

  test("that is lifted ends no more by itself, but with what it is for", async () => {
    const deadline = new Deadline({ signal: user.signal, timeoutMs: 1500 });
    deadline.lift();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(deadline.signal.aborted).toBe(false);
    deadline[Symbol.dispose]();
    expect(deadline.signal.aborted).toBe(true);
  });
});
