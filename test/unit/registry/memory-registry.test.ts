import { afterEach, describe, expect, test, vi } from "vitest";
import {
  MemoryRegistry,
  type MemoryRegistryOptions,
} from "../../../src/registry/memory-registry.ts";
import type { WiredAffiliateView } from "../../../src/registry/packed-affiliate.ts";
import type {
  RegistryClient,
  UpdateRequest,
  WatchMessage,
} from "../../../src/registry/registry.ts";
import {
  createManualClock,
  type ManualClock,
  settled,
} from "../../harness/registry/manual-clock.ts";
import { sealedBytes, sealedEndpoints } from "./sealed-bytes.ts";

const TTL_MS = 1_800_000;
const registries: MemoryRegistry[] = [];

function open(options: MemoryRegistryOptions = {}): {
  registry: MemoryRegistry;
  clock: ManualClock;
} {
  const clock = createManualClock();
  const registry = new MemoryRegistry({ now: clock.now, schedule: clock.schedule, ...options });
  registries.push(registry);
  return { registry, clock };
}

function update(changes: Partial<UpdateRequest> = {}): UpdateRequest {
  return { clusterId: "c", affiliateId: "a", endpoints: [], ttlMs: TTL_MS, ...changes };
}

function watch(registry: MemoryRegistry, clusterId = "c"): AsyncIterator<WatchMessage> {
  return registry.watch(clusterId)[Symbol.asyncIterator]();
}

/** Everything that is told without further waiting. */
async function drain(watcher: AsyncIterator<WatchMessage>): Promise<WatchMessage[]> {
  const told: WatchMessage[] = [];
  for (;;) {
    const step = watcher.next();
    const winner = await Promise.race([step, settled()]);
    if (winner === undefined || winner.done) {
      await watcher.return?.();
      return told;
    }
    told.push(winner.value);
  }
}

afterEach(async () => {
  vi.useRealTimers();
  for (const registry of registries.splice(0)) await registry.close();
});

test("the client is asked of the options, which may be an object with methods", async () => {
  class Caller {
    readonly #name = "somebody";
    asked = 0;
    client(): RegistryClient {
      this.asked++;
      return { client: this.#name };
    }
  }
  const { registry } = open();
  const caller = new Caller();
  registry.update(update(), caller);
  await registry.watch("other", caller)[Symbol.asyncIterator]().next();
  expect(caller.asked).toBeGreaterThanOrEqual(2);
});

describe("time", () => {
  test("nothing expired is listed, counted or sent, though no timer has fired", async () => {
    const { registry, clock } = open({ schedule: () => ({ cancel: () => {} }) });
    registry.update(update({ data: sealedBytes(1), endpoints: sealedEndpoints(1), ttlMs: 500 }));
    registry.update(update({ data: sealedBytes(1), ttlMs: 1_000 }));
    const late = watch(registry);
    await late.next();
    clock.jump(500);
    expect(registry.list("c")).toMatchObject([{ id: "a", endpoints: [] }]);
    expect(registry.totals()).toMatchObject({ affiliates: 1, endpoints: 0 });
    clock.jump(499);
    expect((await late.next()).value).toMatchObject({
      kind: "updated",
      affiliates: [{ id: "a", endpoints: [] }],
    });
    clock.jump(1);
    expect((await late.next()).value).toEqual({ kind: "deleted", ids: ["a"] });
    expect((await watch(registry).next()).value).toEqual({ kind: "snapshot", affiliates: [] });
    expect(registry.totals()).toMatchObject({ affiliates: 0 });
  });

  test("sweep announces what is due", async () => {
    const { registry, clock } = open({ schedule: () => ({ cancel: () => {} }) });
    registry.update(update({ ttlMs: 1_000 }));
    const watcher = watch(registry);
    await watcher.next();
    const next = watcher.next();
    clock.jump(1_000);
    registry.sweep();
    expect((await next).value).toEqual({ kind: "deleted", ids: ["a"] });
  });

  test("one timer serves all, at most 100 ms late, and goes with the last affiliate", async () => {
    const { registry, clock } = open();
    for (let i = 0; i < 100; i++) {
      registry.update(update({ affiliateId: `a${i}`, ttlMs: 5_000 + i }));
      registry.update(update({ clusterId: `c${i}`, ttlMs: 4_000 - i }));
    }
    expect(clock.pending).toBe(1);
    const watcher = watch(registry, "c99");
    await watcher.next();
    const next = watcher.next();
    await clock.advance(3_900);
    expect(await Promise.race([next, settled()])).toBe(undefined);
    await clock.advance(101);
    expect((await next).value).toEqual({ kind: "deleted", ids: ["a"] });
    for (let i = 0; i < 100; i++) registry.delete("c", `a${i}`);
    for (let i = 0; i < 100; i++) registry.delete(`c${i}`, "a");
    expect(clock.pending).toBe(0);
  });

  test("an expiry that moves earlier moves the timer", async () => {
    const { registry, clock } = open();
    registry.update(update({ data: sealedBytes(1) }));
    const watcher = watch(registry);
    await watcher.next();
    registry.update(update({ data: sealedBytes(1), ttlMs: 200 }));
    const next = watcher.next();
    await clock.advance(300);
    expect((await next).value).toEqual({ kind: "deleted", ids: ["a"] });
  });

  test("a stream of short lives does not put the timer off", async () => {
    const { registry, clock } = open();
    registry.update(update({ ttlMs: 150 }));
    const watcher = watch(registry);
    await watcher.next();
    const next = watcher.next();
    for (let i = 0; i < 10; i++) {
      registry.update(update({ clusterId: "other", affiliateId: `b${i}`, ttlMs: 60 }));
      await clock.advance(25);
    }
    expect((await Promise.race([next, settled()]))?.value).toEqual({ kind: "deleted", ids: ["a"] });
  });

  test("by itself it goes by a clock that steps of the machine's clock do not move", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const registry = new MemoryRegistry();
    registries.push(registry);
    registry.update(update());
    vi.setSystemTime(Date.now() + 10 * TTL_MS);
    expect(registry.list("c")).toHaveLength(1);
  });

  test("by itself it announces an expiry", async () => {
    const registry = new MemoryRegistry();
    registries.push(registry);
    // Long enough for the watch to begin before, on a busy machine too.
    registry.update(update({ ttlMs: 500 }));
    const watcher = watch(registry);
    await watcher.next();
    expect((await watcher.next()).value).toEqual({ kind: "deleted", ids: ["a"] });
  });
});

describe("a TTL of 0", () => {
  test("is no message for an affiliate that nobody saw, and one delete for one that was there", async () => {
    const { registry } = open();
    registry.update(update({ affiliateId: "seen", data: sealedBytes(1) }));
    const waiting = watch(registry);
    const slow = watch(registry);
    await waiting.next();
    await slow.next();
    const next = waiting.next();
    registry.update(update({ affiliateId: "new", data: sealedBytes(1), ttlMs: 0 }));
    registry.update(update({ affiliateId: "seen", data: sealedBytes(2), ttlMs: 0 }));
    expect((await next).value).toEqual({ kind: "deleted", ids: ["seen"] });
    expect(await drain(slow)).toEqual([{ kind: "deleted", ids: ["seen"] }]);
    expect(await drain(waiting)).toEqual([]);
  });

  test("takes no memory in a cluster that was not there", () => {
    const { registry, clock } = open();
    registry.update(update({ data: sealedBytes(1), endpoints: sealedEndpoints(2), ttlMs: 0 }));
    expect(registry.totals()).toEqual({ clusters: 0, affiliates: 0, endpoints: 0, watchers: 0 });
    expect(clock.pending).toBe(0);
  });
});

describe("memory", () => {
  test("reading an unknown cluster leaves nothing behind", async () => {
    const { registry } = open();
    registry.list("c");
    registry.delete("c", "a");
    registry.watch("c");
    const never = watch(registry);
    expect(registry.totals().clusters).toBe(0);
    await never.return?.();
    expect(await never.next()).toEqual({ done: true, value: undefined });
    expect(registry.totals().clusters).toBe(0);
  });

  test("a refused update of an unknown cluster leaves nothing behind", () => {
    const { registry } = open();
    const request = update({ endpoints: sealedEndpoints(65) });
    expect(() => registry.update(request)).toThrow("too many endpoints in the affiliate");
    expect(registry.totals().clusters).toBe(0);
  });

  test("a cluster stays while it has affiliates or watchers", async () => {
    const { registry } = open();
    const watcher = watch(registry);
    await watcher.next();
    registry.update(update());
    registry.delete("c", "a");
    expect(registry.totals()).toMatchObject({ clusters: 1, watchers: 1 });
    registry.update(update());
    await watcher.return?.();
    expect(registry.totals()).toMatchObject({ clusters: 1, watchers: 0 });
    const again = watch(registry);
    await again.next();
    registry.delete("c", "a");
    await again.return?.();
    expect(registry.totals()).toMatchObject({ clusters: 0, watchers: 0 });
  });

  test("a watcher that went with its cluster does not end the watch of a later one", async () => {
    const { registry } = open();
    const first = watch(registry);
    await first.next();
    await first.return?.();
    const second = watch(registry);
    await second.next();
    await first.return?.();
    expect(registry.totals()).toMatchObject({ clusters: 1, watchers: 1 });
  });
});

describe("bytes", () => {
  test("a view, its wire form and the list stay the same objects until something changes", () => {
    const { registry } = open();
    registry.update(update({ data: sealedBytes(1), endpoints: sealedEndpoints(2) }));
    registry.update(update({ affiliateId: "b" }));
    const list = registry.list("c") as readonly WiredAffiliateView[];
    registry.update(update({ data: sealedBytes(1), endpoints: sealedEndpoints(2) }));
    expect(registry.list("c")).toBe(list);
    registry.update(update({ affiliateId: "b", data: sealedBytes(3) }));
    const later = registry.list("c") as readonly WiredAffiliateView[];
    expect(later).not.toBe(list);
    expect(later[0]).toBe(list[0]);
    expect(later[0]?.wire.buffer).toBe(list[0]?.wire.buffer);
  });

  test("a view that stays the same holds the latest buffer only", () => {
    const journal = { load: () => [], record() {} };
    const { registry, clock } = open({ journal });
    registry.update(update({ data: sealedBytes(1), endpoints: sealedEndpoints(2) }));
    const [view] = registry.list("c") as readonly WiredAffiliateView[];
    const before = view?.wire;
    clock.jump(1);
    registry.update(update({ data: sealedBytes(1), endpoints: sealedEndpoints(2) }));
    expect(registry.list("c")[0]).toBe(view);
    expect(view?.wire).toEqual(before);
    expect(view?.wire.buffer).not.toBe(before?.buffer);
  });

  test("watchers that wait get the same message", async () => {
    const { registry } = open();
    registry.update(update({ affiliateId: "b" }));
    const watchers = Array.from({ length: 3 }, () => watch(registry));
    for (const watcher of watchers) await watcher.next();
    const next = Promise.all(watchers.map((watcher) => watcher.next()));
    registry.update(update());
    const [first, ...rest] = await next;
    for (const step of rest) expect(step.value).toBe(first?.value);
  });
});

describe("close", () => {
  test("leaves nothing, no timer either, and may be repeated", async () => {
    const { registry, clock } = open();
    registry.update(update({ endpoints: sealedEndpoints(3) }));
    const watcher = watch(registry);
    await watcher.next();
    await Promise.all([registry.close(), registry.close()]);
    expect(registry.totals()).toEqual({ clusters: 0, affiliates: 0, endpoints: 0, watchers: 0 });
    expect(registry.health()).toEqual({ ok: false, reason: "closed" });
    expect(clock.pending).toBe(0);
    registry.sweep();
  });

  test("comes with `await using`", async () => {
    const outer = new MemoryRegistry();
    {
      await using registry = outer;
      registry.update(update());
    }
    expect(outer.health().ok).toBe(false);
  });
});
