import { expect, test } from "vitest";
import { scheduleWork } from "../../../src/async/timers.ts";
import { FanOut } from "../../../src/registry/fan-out.ts";
import { MemoryBudget } from "../../../src/registry/memory-budget.ts";
import type { AffiliateView, WatchMessage } from "../../../src/registry/registry.ts";
import {
  type LagMeter,
  Watcher,
  WatchHub,
  type WatchSource,
} from "../../../src/registry/watch-hub.ts";
import { settled } from "../../harness/registry/manual-clock.ts";

class Source implements WatchSource {
  readonly views = new Map<string, AffiliateView>();
  readonly hub: WatchHub = new WatchHub(this);
  watchers = 0;
  readonly lagMeter: LagMeter | undefined;
  readonly fanOut: FanOut;

  constructor(lagMeter?: LagMeter, fanOut: FanOut = new FanOut(scheduleWork)) {
    this.lagMeter = lagMeter;
    this.fanOut = fanOut;
  }

  settle(): void {}

  snapshot(): readonly AffiliateView[] {
    return [...this.views.values()];
  }

  find(affiliateId: string): AffiliateView | undefined {
    return this.views.get(affiliateId);
  }

  watched(change: 1 | -1): void {
    this.watchers += change;
  }

  set(...ids: string[]): void {
    for (const id of ids) {
      const before = this.views.has(id);
      this.views.set(id, { id, data: new Uint8Array(0), endpoints: [] });
      this.hub.mark(id, before, true);
    }
  }

  delete(...ids: string[]): void {
    for (const id of ids) {
      this.views.delete(id);
      this.hub.mark(id, true, false);
    }
  }

  async watch(signal?: AbortSignal): Promise<Watcher> {
    const watcher = new Watcher(() => this.hub, signal);
    await watcher.next();
    return watcher;
  }
}

async function take(watcher: Watcher): Promise<string | undefined> {
  const step = await Promise.race([watcher.next(), settled()]);
  return step?.value === undefined ? undefined : textOf(step.value);
}

function textOf(message: WatchMessage): string {
  const ids = message.kind === "deleted" ? message.ids : message.affiliates.map((view) => view.id);
  return `${message.kind} ${ids.join(" ")}`;
}

test("changes of one turn come as one message to those who wait", async () => {
  const source = new Source();
  const watcher = await source.watch();
  const next = watcher.next();
  source.set("a", "b");
  source.set("a");
  expect(textOf((await next).value as WatchMessage)).toBe("updated a b");
  expect(await take(watcher)).toBe(undefined);
});

test("deletes and updates are told apart, in turns, so that neither waits for ever", async () => {
  const source = new Source();
  source.set("a", "b", "c", "d");
  const watcher = await source.watch();
  source.delete("a", "b");
  source.set("c", "d");
  expect(await take(watcher)).toBe("deleted a b");
  source.delete("d");
  expect(await take(watcher)).toBe("updated c");
  source.set("c");
  expect(await take(watcher)).toBe("deleted d");
  expect(await take(watcher)).toBe("updated c");
  expect(await take(watcher)).toBe(undefined);
});

test("a delete that was not told yet is an update when the affiliate is back", async () => {
  const source = new Source();
  source.set("a");
  const watcher = await source.watch();
  source.delete("a");
  source.set("a");
  expect(await take(watcher)).toBe("updated a");
});

test("an affiliate that came and went unseen is not mentioned", async () => {
  const source = new Source();
  const watcher = await source.watch();
  source.set("a");
  source.delete("a");
  source.set("a");
  source.delete("a");
  expect(await take(watcher)).toBe(undefined);
});

test("an affiliate that came and went in one turn does not wake who waits", async () => {
  const source = new Source();
  const watcher = await source.watch();
  const next = watcher.next();
  source.set("a");
  source.delete("a");
  await settled();
  source.set("b");
  expect(textOf((await next).value as WatchMessage)).toBe("updated b");
});

test("a second next() while one waits is refused, and the first still answers", async () => {
  const source = new Source();
  const watcher = await source.watch();
  const next = watcher.next();
  await expect(watcher.next()).rejects.toThrow(TypeError);
  source.set("a");
  expect(textOf((await next).value as WatchMessage)).toBe("updated a");
});

test("return() ends a next() that waits, and an abort does", async () => {
  const source = new Source();
  const abort = new AbortController();
  const left = await source.watch();
  const aborted = await source.watch(abort.signal);
  const next = [left.next(), aborted.next()];
  expect(source.watchers).toBe(2);
  await left.return();
  abort.abort();
  expect(await Promise.all(next)).toEqual([
    { done: true, value: undefined },
    { done: true, value: undefined },
  ]);
  expect(source.watchers).toBe(0);
  source.set("a");
  expect(await left.next()).toEqual({ done: true, value: undefined });
});

test("what refuses a watch rejects its first next(), and ends it", async () => {
  const watcher = new Watcher(() => {
    throw new Error("refused");
  }, undefined);
  await expect(watcher.next()).rejects.toThrow("refused");
  expect(await watcher.next()).toEqual({ done: true, value: undefined });
});

test("a listener on the signal does not outlive the watch", async () => {
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  const watcher = await new Source().watch(signal);
  expect(listeners).toBe(1);
  await watcher.return();
  expect(listeners).toBe(0);
});

test("those who last heard at the same point get the same message, also at different times", async () => {
  const source = new Source();
  const [waiting, late] = [await source.watch(), await source.watch()];
  const next = waiting.next();
  source.set("a", "b");
  const told = await next;
  expect((await late.next()).value).toBe(told.value);
});

test("a large update comes in several messages, and nothing is lost", async () => {
  const source = new Source();
  const watcher = await source.watch();
  const ids = Array.from({ length: 100 }, (_, i) => `${i}`);
  source.set(...ids);
  for (const id of ids) {
    const large = { id, data: new Uint8Array(2048), endpoints: [] };
    source.views.set(id, large);
  }
  const seen: string[] = [];
  let messages = 0;
  for (let text = await take(watcher); text !== undefined; text = await take(watcher)) {
    seen.push(...text.split(" ").slice(1));
    messages += 1;
  }
  expect(seen).toEqual(ids);
  expect(messages).toBe(4);
});

test("watchers that stopped at many points hear all that they missed, and come to an end", async () => {
  const source = new Source();
  source.set("gone");
  const watchers: { readonly watcher: Watcher; readonly known: Set<string> }[] = [];
  for (let i = 0; i < 50; i++) {
    const known = new Set(source.views.keys());
    watchers.push({ watcher: await source.watch(), known });
    source.set(`${i}`);
  }
  source.delete("gone", "49");
  // In turns, each a message: those who are ahead must not be taken back by those behind.
  let behind = watchers;
  for (let turn = 0; behind.length > 0; turn++) {
    expect(turn, "turns").toBeLessThan(5);
    const told: typeof watchers = [];
    for (const reader of behind) {
      const text = await take(reader.watcher);
      if (text === undefined) continue;
      told.push(reader);
      const [kind, ...ids] = text.split(" ");
      for (const id of ids) {
        if (kind === "deleted") reader.known.delete(id);
        else reader.known.add(id);
      }
    }
    behind = told;
  }
  const all = [...source.views.keys()].sort();
  for (const { known } of watchers) expect([...known].sort()).toEqual(all);
});

test("one change counts once, however many have yet to hear of it", async () => {
  const memory = new MemoryBudget({ maxBytes: 2 ** 20 });
  const source = new Source({ now: () => 0, memory });
  const watchers = [];
  for (let i = 0; i < 100; i++) watchers.push(await source.watch());
  source.set("a");
  expect(memory.usedBy("watches")).toBe(32);
  for (const watcher of watchers) await watcher.return();
  expect(memory.usedBy("watches")).toBe(0);
});

test("when thousands are told, others have their turn in between", async () => {
  const later: (() => void)[] = [];
  const fanOut = new FanOut((callback) => {
    later.push(callback);
    return { cancel() {} };
  });
  const source = new Source(undefined, fanOut);
  let told = 0;
  for (let i = 0; i < 1200; i++) {
    const watcher = await source.watch();
    void watcher.next().then(() => {
      told += 1;
    });
  }
  source.set("a");
  await settled();
  expect(told).toBe(500);
  later.pop()?.();
  await settled();
  expect(told).toBe(1000);
  later.pop()?.();
  await settled();
  expect(told).toBe(1200);
});
