import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Lifecycle } from "../../../src/async/lifecycle.ts";
import { untilAborted } from "../../../src/async/waits.ts";

const reason = new Error("enough");

let stop: AbortController;
let life: Lifecycle;
beforeEach(() => {
  stop = new AbortController();
  life = new Lifecycle("this thing");
});
afterEach(() => {
  expect(getEventListeners(stop.signal, "abort"), "listeners are left").toEqual([]);
});

/** Numbers until it is aborted; then tells why in `ends`. */
async function* count(signal: AbortSignal, ends: unknown[]): AsyncGenerator<number> {
  for (let number = 0; !signal.aborted; number++) yield number;
  ends.push(signal.reason);
}

describe("run", () => {
  test("runs until the signal aborts, and again then", async () => {
    const running = life.run(stop.signal, untilAborted);
    stop.abort(reason);
    await running;
    await life.run(undefined, async () => {});
  });

  test("fails with what it runs, and can be tried again", async () => {
    await expect(life.run(stop.signal, () => Promise.reject(reason))).rejects.toBe(reason);
    await life.run(stop.signal, async () => {});
  });

  test("refuses a second beside the first, which goes on", async () => {
    const running = life.run(stop.signal, untilAborted);
    await expect(life.run(undefined, async () => {})).rejects.toThrow(
      new TypeError("run: this thing is running already"),
    );
    stop.abort();
    await running;
  });

  test("is refused after disposal", async () => {
    await life.dispose();
    await expect(life.run(stop.signal, async () => {})).rejects.toThrow(
      new TypeError("run: this thing is disposed"),
    );
  });
});

describe("disposal", () => {
  test("ends run, and resolves when that has ended", async () => {
    const steps: string[] = [];
    const running = life.run(stop.signal, async (own) => {
      await untilAborted(own);
      steps.push("ended");
    });
    await life.dispose();
    steps.push("disposed");
    await running;
    expect(steps).toEqual(["ended", "disposed"]);
  });

  test("ends what goes on beside run, and says why", async () => {
    const own = await new Promise<AbortSignal>((resolve) => {
      void life.during(stop.signal, (signal) => {
        resolve(signal);
        return untilAborted(signal);
      });
    });
    await life.dispose();
    expect(own.reason).toMatchObject({ name: "AbortError", message: "this thing is disposed" });
  });

  test("ends what is read one by one", async () => {
    const ends: unknown[] = [];
    const numbers = life.each(stop.signal, (own) => count(own, ends));
    expect(await numbers.next()).toEqual({ value: 0, done: false });
    await life.dispose();
    expect(await numbers.next()).toEqual({ value: undefined, done: true });
    expect(ends).toEqual([expect.objectContaining({ name: "AbortError" })]);
  });
});

test("what goes on ends with its signal, for the signal's reason", async () => {
  const ends: unknown[] = [];
  const numbers = life.each(stop.signal, (own) => count(own, ends));
  await numbers.next();
  const waiting = life.during(stop.signal, async (own) => {
    await untilAborted(own);
    return own.reason;
  });
  stop.abort(reason);
  expect(await waiting).toBe(reason);
  expect(await numbers.next()).toEqual({ value: undefined, done: true });
  expect(ends).toEqual([reason]);
});

test("a reader that stops leaves no listener", async () => {
  for await (const number of life.each(stop.signal, (own) => count(own, []))) {
    if (number === 2) break;
  }
});
