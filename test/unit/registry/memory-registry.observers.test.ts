import { afterEach, expect, test } from "vitest";
import { MemoryRegistry } from "../../../src/registry/memory-registry.ts";
import type { RegistryObservers, Swept } from "../../../src/registry/registry.ts";
import { createManualClock, type ManualClock } from "../../harness/registry/manual-clock.ts";
import { sealedBytes, sealedEndpoints } from "./sealed-bytes.ts";

const registries: MemoryRegistry[] = [];

function open(observers: RegistryObservers): { registry: MemoryRegistry; clock: ManualClock } {
  const clock = createManualClock();
  const registry = new MemoryRegistry({ now: clock.now, schedule: clock.schedule, ...observers });
  registries.push(registry);
  return { registry, clock };
}

afterEach(async () => {
  for (const registry of registries.splice(0)) await registry.close();
});

test("what expires is counted, its clusters and endpoints too", async () => {
  const swept: Swept[] = [];
  const { registry, clock } = open({ onSweep: (step) => swept.push(step) });
  const data = sealedBytes(100);
  const [first, second, third] = sealedEndpoints(3) as [Uint8Array, Uint8Array, Uint8Array];
  const common = { data, ttlMs: 5_000 };
  registry.update({ clusterId: "gone", affiliateId: "a", endpoints: [first, second], ...common });
  registry.update({ clusterId: "kept", affiliateId: "b", endpoints: [third], ...common });
  registry.update({ clusterId: "kept", affiliateId: "b", data, endpoints: [], ttlMs: 60_000 });
  expect(swept).toEqual([]);
  await clock.advance(6_000);
  expect(swept).toEqual([{ clusters: 1, affiliates: 1, endpoints: 3 }]);
  expect(registry.totals()).toMatchObject({ clusters: 1, affiliates: 1, endpoints: 0 });
});

test("the lag of a message is the age of its oldest change, and a snapshot has none", async () => {
  const lags: number[] = [];
  const { registry, clock } = open({ onWatchLag: (lagMs) => lags.push(lagMs) });
  const update = (affiliateId: string) =>
    registry.update({ clusterId: "c", affiliateId, endpoints: [], ttlMs: 60_000 });
  const watcher = registry.watch("c")[Symbol.asyncIterator]();
  await watcher.next();
  expect(lags).toEqual([]);

  const waiting = watcher.next();
  update("a");
  await waiting;
  expect(lags).toEqual([0]);

  update("b");
  clock.jump(2_000);
  update("c");
  clock.jump(1_000);
  await watcher.next();
  expect(lags).toEqual([0, 3_000]);

  update("d");
  await watcher.next();
  expect(lags).toEqual([0, 3_000, 0]);
  await watcher.return?.();
});
