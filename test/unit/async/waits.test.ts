import { getEventListeners } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { sleep } from "../../../src/async/timers.ts";
import {
  linkedController,
  unlessAborted,
  untilFirstEnds,
  Wakeup,
} from "../../../src/async/waits.ts";

const never = new Promise<never>(() => {});
const reason = new Error("enough");

let stop = new AbortController();
afterEach(() => {
  expect(getEventListeners(stop.signal, "abort"), "listeners are left").toEqual([]);
  stop = new AbortController();
});

describe("each wait ends with its signal, and leaves no listener", () => {
  const waits: Readonly<Record<string, (signal: AbortSignal) => Promise<unknown>>> = {
    unlessAborted: (signal) => unlessAborted(never, signal),
    "Wakeup.wait": (signal) => new Wakeup().wait(signal),
    untilFirstEnds: (signal) => untilFirstEnds([(own) => sleep(1e9, own)], signal),
  };

  test.each(Object.entries(waits))("%s", async (_, wait) => {
    const waiting = expect(wait(stop.signal)).rejects.toBe(reason);
    stop.abort(reason);
    await waiting;
    await expect(wait(AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe("a wait that has what it waits for leaves no listener", () => {
  test("unlessAborted gives what the promise gives", async () => {
    await expect(unlessAborted(Promise.resolve(1), stop.signal)).resolves.toBe(1);
    await expect(unlessAborted(Promise.reject(reason), stop.signal)).rejects.toBe(reason);
  });

  test("Wakeup wakes all who wait, and nobody who comes later", async () => {
    const wakeup = new Wakeup();
    const waiting = [wakeup.wait(stop.signal), wakeup.wait(stop.signal)];
    wakeup.notify();
    await Promise.all(waiting);
    const late = expect(wakeup.wait(stop.signal)).rejects.toBe(reason);
    stop.abort(reason);
    await late;
  });
});

test("the first task that ends decides, when all others have been aborted and have ended", async () => {
  const ended: string[] = [];
  const patient = async (signal: AbortSignal) => {
    await sleep(1e9, signal).catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    ended.push("patient");
  };
  const failing = async () => {
    throw reason;
  };
  await expect(untilFirstEnds([patient, failing], stop.signal)).rejects.toBe(reason);
  expect(ended).toEqual(["patient"]);
});

test("a linked controller aborts with the first of its parents, and is let go by unlink", () => {
  const other = new AbortController();
  const linked = linkedController(undefined, stop.signal, other.signal);
  other.abort(reason);
  expect(linked.controller.signal.reason).toBe(reason);
  linked.unlink();
  const free = linkedController(stop.signal);
  free.unlink();
  stop.abort();
  expect(free.controller.signal.aborted).toBe(false);
  const late = linkedController(stop.signal);
  expect(late.controller.signal.aborted).toBe(true);
  late.unlink();
});
