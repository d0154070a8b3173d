import { describe, expect, test } from "vitest";
import { MemoryBudget } from "../../../src/registry/memory-budget.ts";
import { MemoryRegistry } from "../../../src/registry/memory-registry.ts";
import type { UpdateRequest } from "../../../src/registry/registry.ts";
import {
  AFFILIATE_OVERHEAD_BYTES,
  CLUSTER_OVERHEAD_BYTES,
  stateBytes,
} from "../../../src/registry/state-bytes.ts";
import { createManualClock } from "../../harness/registry/manual-clock.ts";
import { sealedBytes, sealedEndpoints } from "./sealed-bytes.ts";

const SHORT = { code: "ERR_MEMORY_LIMIT", message: "the service is short of memory" };

function update(changes: Partial<UpdateRequest> = {}): UpdateRequest {
  return { clusterId: "c", affiliateId: "a", endpoints: [], ttlMs: 60_000, ...changes };
}

/** Bytes of an affiliate with an ID of one character. */
function bytesOf(dataBytes: number, endpoints = 0): number {
  return stateBytes({ idBytes: 1, dataBytes, endpoints, endpointBytes: 16 });
}

const ONE_CLUSTER_BYTES = CLUSTER_OVERHEAD_BYTES + 1;

/** A registry for which so many bytes are below 90 % of the ceiling. */
function open(freeBytes: number) {
  const clock = createManualClock();
  const memory = new MemoryBudget({ maxBytes: Math.ceil(freeBytes / 0.9) });
  const registry = new MemoryRegistry({ memory, now: clock.now, schedule: clock.schedule });
  return { clock, memory, registry };
}

describe("a memory budget", () => {
  test("counts by kind and in all", () => {
    const memory = new MemoryBudget({ maxBytes: 1_000 });
    memory.add("state", 500);
    memory.add("unsent", 300);
    memory.add("state", -100);
    expect(memory.usedBy("state")).toBe(400);
    expect(memory.usedBytes).toBe(700);
    expect(memory.freeBytes).toBe(200);
  });

  test("is tight over 90 % of the ceiling and full over all of it", () => {
    const memory = new MemoryBudget({ maxBytes: 1_000 });
    memory.add("state", 900);
    expect(memory.isTight()).toBe(false);
    expect(memory.isTight(1)).toBe(true);
    expect(memory.isFull(100)).toBe(false);
    expect(memory.isFull(101)).toBe(true);
    memory.add("state", 1);
    expect(memory.isTight()).toBe(true);
    expect(memory.freeBytes).toBe(0);
  });

  test("asks caches to go before it is tight, as long as they are registered and hold something", () => {
    const memory = new MemoryBudget({ maxBytes: 1_000 });
    let asked = 0;
    const unregister = memory.onTight(() => {
      asked++;
      memory.add("caches", -memory.usedBy("caches"));
    });
    memory.add("caches", 500);
    memory.add("state", 500);
    expect(memory.freeBytes).toBe(400);
    expect(memory.isTight(400)).toBe(false);
    expect(asked).toBe(1);
    expect(memory.isTight(401)).toBe(true);
    expect(asked).toBe(1);
    memory.add("caches", 500);
    unregister();
    expect(memory.isTight()).toBe(true);
    expect(asked).toBe(1);
  });

  test("may have no ceiling", () => {
    const memory = new MemoryBudget({ maxBytes: Number.POSITIVE_INFINITY });
    memory.add("state", Number.MAX_SAFE_INTEGER);
    expect(memory.isTight(1)).toBe(false);
    expect(memory.isFull(1)).toBe(false);
    expect(memory.freeBytes).toBe(Number.POSITIVE_INFINITY);
  });

  test.each([0, -1, 1.5, Number.NaN])("has no ceiling of %d", (maxBytes) => {
    expect(() => new MemoryBudget({ maxBytes })).toThrow(RangeError);
  });
});

describe("a registry with a memory budget", () => {
  test("counts each cluster and affiliate, and takes them off again", async () => {
    const { clock, memory, registry } = open(1e6);
    const state = () => memory.usedBy("state");
    registry.update(update({ data: sealedBytes(1, 100), endpoints: sealedEndpoints(2) }));
    expect(state()).toBe(ONE_CLUSTER_BYTES + bytesOf(100, 2));
    registry.update(update({ endpoints: sealedEndpoints(1, 2), ttlMs: 10_000 }));
    expect(state()).toBe(ONE_CLUSTER_BYTES + bytesOf(100, 3));
    await clock.advance(10_000);
    expect(state()).toBe(ONE_CLUSTER_BYTES + bytesOf(100, 2));
    registry.update(update({ affiliateId: "b" }));
    registry.delete("c", "a");
    expect(state()).toBe(ONE_CLUSTER_BYTES + bytesOf(0));
    const watcher = registry.watch("é".repeat(8))[Symbol.asyncIterator]();
    await watcher.next();
    expect(state()).toBe(ONE_CLUSTER_BYTES + bytesOf(0) + CLUSTER_OVERHEAD_BYTES + 8);
    await watcher.return?.();
    registry.delete("c", "b");
    expect(state()).toBe(0);
    registry.update(update({ affiliateId: "\u{1f600}" }));
    const wide = AFFILIATE_OVERHEAD_BYTES + 4 + (33 + 2 + 2 + 4);
    expect(state()).toBe(ONE_CLUSTER_BYTES + wide);
    const open2 = registry.watch("d")[Symbol.asyncIterator]();
    await open2.next();
    await registry.close();
    expect(state()).toBe(0);
    expect(memory.usedBytes).toBe(0);
  });

  test("the largest affiliate takes what stateBytes says", async () => {
    const { memory, registry } = open(1e6);
    registry.update(
      update({
        affiliateId: "a".repeat(256),
        data: sealedBytes(1, 2048),
        endpoints: Array.from({ length: 64 }, (_, i) => sealedBytes(i, 32)),
      }),
    );
    expect(memory.usedBytes).toBe(ONE_CLUSTER_BYTES + stateBytes());
    await registry.close();
  });

  test("refuses what is new when memory is tight, and takes refreshes and deletes", async () => {
    const { memory, registry } = open(2 * ONE_CLUSTER_BYTES + 2 * bytesOf(100, 1));
    const known = update({ data: sealedBytes(1, 100), endpoints: sealedEndpoints(1) });
    registry.update(known);
    registry.update(update({ ...known, clusterId: "d" }));
    const list = registry.list("c");
    for (const refused of [
      update({ clusterId: "e" }),
      update({ affiliateId: "b" }),
      update({ data: sealedBytes(1, 1600) }),
      update({ endpoints: sealedEndpoints(40) }),
    ]) {
      expect(() => registry.update(refused)).toThrow(expect.objectContaining(SHORT));
    }
    const watcher = registry.watch("e")[Symbol.asyncIterator]();
    await expect(watcher.next()).rejects.toMatchObject(SHORT);
    expect(registry.totals()).toMatchObject({ clusters: 2, affiliates: 2, endpoints: 2 });
    expect(registry.list("c")).toBe(list);

    const held = registry.watch("c")[Symbol.asyncIterator]();
    await held.next();
    registry.update(known);
    // What is known and of usual size may grow into the last tenth.
    registry.update(update({ data: sealedBytes(2, 110), endpoints: sealedEndpoints(1) }));
    registry.update(update({ data: sealedBytes(2, 100), endpoints: sealedEndpoints(1) }));
    registry.update(update({ data: sealedBytes(2, 99) }));
    registry.update(update({ affiliateId: "new", ttlMs: 0 }));
    registry.delete("d", "a");
    registry.update(update({ affiliateId: "b" }));
    expect(memory.usedBytes).toBeLessThanOrEqual(memory.maxBytes * 0.9);
    await held.return?.();
    await registry.close();
  });

  test("has caches dropped before it refuses", async () => {
    const { memory, registry } = open(ONE_CLUSTER_BYTES + bytesOf(0));
    memory.add("caches", 100);
    memory.onTight(() => memory.add("caches", -memory.usedBy("caches")));
    registry.update(update());
    expect(memory.usedBy("caches")).toBe(0);
    await registry.close();
  });

  test("refuses what its journal has kept by the same rule", async () => {
    const memory = new MemoryBudget({
      maxBytes: Math.ceil((ONE_CLUSTER_BYTES + bytesOf(100)) / 0.9),
    });
    const kept = (id: string) => ({ id, data: sealedBytes(1, 100), ttlMs: 60_000, endpoints: [] });
    const refused: unknown[] = [];
    const registry = await MemoryRegistry.open({
      memory,
      journal: {
        load: () => [
          { id: "c", affiliates: [kept("a"), kept("b")] },
          { id: "c", affiliates: [{ ...kept("a"), data: sealedBytes(1, 1600) }] },
        ],
        refused: (_, { id }, error) => refused.push([id, (error as { code?: string }).code]),
      },
    });
    expect(registry.list("c").map(({ id }) => id)).toEqual(["a"]);
    expect(refused).toEqual([
      ["b", "ERR_MEMORY_LIMIT"],
      ["a", "ERR_MEMORY_LIMIT"],
    ]);
    await registry.close();
    expect(memory.usedBytes).toBe(0);
  });

  test("counts changes that wait for watchers, and ends watches that are late once it is full", async () => {
    const clock = createManualClock();
    const memory = new MemoryBudget({ maxBytes: 100_000 });
    const registry = new MemoryRegistry({ memory, now: clock.now, schedule: clock.schedule });
    const slow = registry.watch("c")[Symbol.asyncIterator]();
    await slow.next();
    const before = memory.usedBy("watches");
    for (let i = 0; i < 10; i++)
      registry.update(
        update({ affiliateId: `new${i}`, ttlMs: 600_000, data: sealedBytes(0, 100) }),
      );
    expect(memory.usedBy("watches") - before).toBe(10 * 32);
    memory.add("connections", 100_000);
    await clock.advance(59_000);
    registry.update(update({ affiliateId: "new0", ttlMs: 600_000, data: sealedBytes(1, 100) }));
    expect(registry.totals().watchers).toBe(1);
    await clock.advance(2000);
    registry.update(update({ affiliateId: "new0", ttlMs: 600_000, data: sealedBytes(2, 100) }));
    expect(registry.totals().watchers).toBe(0);
    expect(memory.usedBy("watches")).toBe(before);
    expect(await slow.next()).toEqual({ done: true, value: undefined });
    await registry.close();
  });
});
