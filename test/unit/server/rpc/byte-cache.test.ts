import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MemoryBudget } from "../../../../src/registry/memory-budget.ts";
import { ByteCache } from "../../../../src/server/rpc/byte-cache.ts";
import { createManualClock } from "../../../harness/registry/manual-clock.ts";

const GENERATION_MS = 10_000;

function start(maxBytes?: number) {
  const clock = createManualClock();
  const memory = new MemoryBudget({ maxBytes: 1_000_000_000 });
  const cache = new ByteCache<object>({ memory, schedule: clock.schedule, maxBytes });
  return { clock, memory, cache };
}

const some = new Uint8Array(1000);

describe("an entry", () => {
  test("stays while it is asked for", async () => {
    const { cache, clock } = start();
    const key = {};
    cache.set(key, some);
    for (let i = 0; i < 20; i++) {
      await clock.advance(GENERATION_MS * 0.9);
      expect(cache.get(key)).toBe(some);
    }
  });

  test("is dropped after one to two generations in which nobody asks, and leaves no timer", async () => {
    const { cache, clock, memory } = start();
    const key = {};
    cache.set(key, some);
    await clock.advance(GENERATION_MS);
    expect(cache.bytes).toBeGreaterThan(some.length);
    await clock.advance(GENERATION_MS);
    expect(cache.get(key)).toBeUndefined();
    expect(cache.bytes).toBe(0);
    expect(memory.usedBy("caches")).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test("over half of the cache is not kept", () => {
    const { cache } = start(2000);
    cache.set(some, some);
    expect(cache.get(some)).toBeUndefined();
    expect(cache.bytes).toBe(0);
  });
});

test("when memory is tight, all entries go, and no new one is kept", () => {
  const memory = new MemoryBudget({ maxBytes: 100_000 });
  const cache = new ByteCache<object>({ memory, schedule: createManualClock().schedule });
  const key = {};
  cache.set(key, some);
  expect(cache.get(key)).toBe(some);
  memory.add("state", 95_000);
  expect(memory.isTight()).toBe(true);
  expect(cache.get(key)).toBeUndefined();
  expect(memory.usedBy("caches")).toBe(0);
  cache.set(key, some);
  expect(cache.bytes).toBe(0);
});

test("has never more than it may, returns what was set, and counts back to 0", async () => {
  const maxBytes = 20_000;
  const keys = Array.from({ length: 40 }, (_, i) => ({ i }));
  const step = fc.oneof(
    { weight: 20, arbitrary: fc.record({ ask: fc.nat(39), bytes: fc.nat(3000) }) },
    { weight: 2, arbitrary: fc.record({ passMs: fc.integer({ min: 1, max: 15_000 }) }) },
    { weight: 1, arbitrary: fc.constant("clear" as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 200, size: "max" }), async (steps) => {
      const { cache, clock, memory } = start(maxBytes);
      const last = new Map<object, Uint8Array>();
      let isRight = true;
      for (const each of steps) {
        if (each === "clear") cache.clear();
        else if ("passMs" in each) await clock.advance(each.passMs);
        else {
          // As the encoder does: what is not there is made.
          const key = keys[each.ask] as object;
          const known = cache.get(key);
          if (known !== undefined) isRight &&= known === last.get(key);
          else {
            const value = new Uint8Array(each.bytes);
            last.set(key, value);
            cache.set(key, value);
          }
        }
        isRight &&= cache.bytes <= maxBytes && memory.usedBy("caches") === cache.bytes;
      }
      expect(isRight).toBe(true);
      await clock.advance(2 * GENERATION_MS);
      expect(cache.bytes).toBe(0);
      expect(memory.usedBy("caches")).toBe(0);
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 100 },
  );
});
