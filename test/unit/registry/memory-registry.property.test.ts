import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isDiscoveryError } from "../../../src/errors.ts";
import { MemoryRegistry } from "../../../src/registry/memory-registry.ts";
import type { AffiliateView, WatchMessage } from "../../../src/registry/registry.ts";
import { createManualClock, settled } from "../../harness/registry/manual-clock.ts";
import { hex, NaiveRegistry, type NaiveView } from "./naive-registry.ts";

const CLUSTERS = ["one", "two"];
const AFFILIATES = ["a", "b", "c", "d"];
const MAX_TTL_MS = 5_000;
const LIMITS = { maxAffiliateEndpoints: 4, maxClusterAffiliates: 3 };
/** The protocol's promise to watchers. */
const ANNOUNCED_WITHIN_MS = 1_000;

type Operation =
  | {
      readonly kind: "update";
      readonly clusterId: string;
      readonly affiliateId: string;
      readonly data: number | undefined;
      readonly endpoints: readonly number[];
      readonly ttlMs: number;
    }
  | { readonly kind: "delete"; readonly clusterId: string; readonly affiliateId: string }
  | { readonly kind: "list"; readonly clusterId: string }
  | { readonly kind: "advance" | "jump"; readonly ms: number }
  | { readonly kind: "sweep" | "turn" }
  | { readonly kind: "watch"; readonly clusterId: string }
  | { readonly kind: "read" | "leave" | "abort"; readonly watcher: number };

const clusterId = fc.constantFrom(...CLUSTERS);
const affiliateId = fc.constantFrom(...AFFILIATES);
// Mostly in coarse steps, so that instants meet exactly.
const ttlMs = fc.oneof(
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 6, arbitrary: fc.integer({ min: 1, max: MAX_TTL_MS / 250 }).map((n) => n * 250) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: MAX_TTL_MS }) },
);
const ms = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 6 }).map((n) => n * 250) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: MAX_TTL_MS }) },
);
const watcher = fc.nat({ max: 5 });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("update" as const),
      clusterId,
      affiliateId,
      data: fc.option(fc.nat({ max: 2 }), { nil: undefined }),
      endpoints: fc.array(fc.nat({ max: 5 }), { maxLength: 6 }),
      ttlMs,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("delete" as const), clusterId, affiliateId }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("list" as const), clusterId }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("advance", "jump"), ms }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("sweep", "turn") }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("watch" as const), clusterId }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("read" as const), watcher }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("leave", "abort"), watcher }) },
);

/** The twin, and how often each affiliate has visibly changed in it. */
class Truth extends NaiveRegistry {
  readonly #changes = new Map<string, number>();
  #last = new Map<string, string>();

  /** To be called whenever something may have happened. */
  look(): void {
    const next = new Map<string, string>();
    for (const cluster of CLUSTERS) {
      for (const view of this.list(cluster))
        next.set(`${cluster}/${view.id}`, JSON.stringify(view));
    }
    for (const key of new Set([...this.#last.keys(), ...next.keys()])) {
      if (this.#last.get(key) !== next.get(key)) this.#changes.set(key, this.#count(key) + 1);
    }
    this.#last = next;
  }

  changes(clusterId: string, affiliateId: string): number {
    this.look();
    return this.#count(`${clusterId}/${affiliateId}`);
  }

  #count(key: string): number {
    return this.#changes.get(key) ?? 0;
  }
}

/** A reader that follows a cluster at its own pace, and checks all it is told against the twin at that instant. */
class Follower {
  readonly clusterId: string;
  readonly known = new Map<string, NaiveView>();
  readonly #truth: Truth;
  readonly #abort = new AbortController();
  readonly #iterator: AsyncIterator<WatchMessage, undefined>;
  /** By affiliate: how many changes there had been when this reader last heard of it. */
  readonly #heard = new Map<string, number>();
  /** Since when it has believed what is not so. */
  staleSince: number | undefined;
  messages = 0;
  isWaiting = false;
  isDone = false;
  failure: unknown;

  constructor(registry: MemoryRegistry, truth: Truth, clusterId: string) {
    this.clusterId = clusterId;
    this.#truth = truth;
    const { signal } = this.#abort;
    this.#iterator = registry.watch(clusterId, { signal })[Symbol.asyncIterator]();
  }

  /** Asks for one message, unless one is still being waited for. */
  read(): void {
    if (this.isWaiting || this.isDone) return;
    this.isWaiting = true;
    this.#iterator.next().then(
      (step) => {
        this.isWaiting = false;
        if (step.done) this.isDone = true;
        else {
          try {
            this.#take(step.value);
          } catch (error) {
            this.failure ??= error;
          }
        }
      },
      (error: unknown) => {
        this.failure ??= error;
      },
    );
  }

  leave(): void {
    this.isDone = true;
    void this.#iterator.return?.();
  }

  abort(): void {
    this.isDone = true;
    this.#abort.abort();
  }

  #take(message: WatchMessage): void {
    this.messages++;
    const visible = new Map(this.#truth.list(this.clusterId).map((view) => [view.id, view]));
    expect(message.kind === "snapshot", "the snapshot is the first message, once").toBe(
      this.messages === 1,
    );
    if (message.kind === "deleted") {
      expect(message.ids.length).toBeGreaterThan(0);
      for (const id of message.ids) {
        expect(visible.has(id), `${id} is deleted`).toBe(false);
        expect(this.known.delete(id), `${id} was known`).toBe(true);
        this.#hear(id);
      }
      return;
    }
    const views = message.affiliates.map(plain);
    if (message.kind === "snapshot") expect(views).toEqual([...visible.values()]);
    else expect(views.length).toBeGreaterThan(0);
    for (const view of views) {
      expect(view).toEqual(visible.get(view.id));
      this.known.set(view.id, view);
      if (message.kind === "updated") this.#hear(view.id);
    }
    if (message.kind === "snapshot") {
      for (const id of AFFILIATES) this.#heard.set(id, this.#truth.changes(this.clusterId, id));
    }
  }

  /** Nothing is said of an affiliate to which nothing has happened since. */
  #hear(id: string): void {
    const changes = this.#truth.changes(this.clusterId, id);
    expect(changes, `${id} has changed`).toBeGreaterThan(this.#heard.get(id) ?? 0);
    this.#heard.set(id, changes);
  }
}

function plain({ id, data, endpoints }: AffiliateView): NaiveView {
  return { id, data: hex(data), endpoints: endpoints.map(hex) };
}

async function run(operations: readonly Operation[], isRecorded: boolean): Promise<void> {
  const clock = createManualClock();
  const registry = new MemoryRegistry({
    limits: LIMITS,
    now: clock.now,
    schedule: clock.schedule,
    // A journal that records has each change decided on a copy.
    journal: isRecorded ? { load: () => [], record() {} } : undefined,
  });
  const truth = new Truth(clock.now, LIMITS);
  const followers: Follower[] = [];

  for (const operation of operations) {
    switch (operation.kind) {
      case "update": {
        const { data, endpoints, ...rest } = operation;
        // As they arrive: slices of a buffer that is overwritten afterwards.
        const buffer = Uint8Array.from([data ?? 0, ...endpoints]);
        const request = {
          ...rest,
          data: data === undefined ? undefined : buffer.subarray(0, 1),
          endpoints: endpoints.map((_, i) => buffer.subarray(i + 1, i + 2)),
        };
        const refusal = truth.update(request);
        try {
          registry.update(request);
          expect(refusal).toBe(undefined);
        } catch (error) {
          if (!isDiscoveryError(error)) throw error;
          expect(error.code).toBe(refusal);
        }
        buffer.fill(0xff);
        truth.look();
        break;
      }
      case "delete":
        truth.delete(operation.clusterId, operation.affiliateId);
        registry.delete(operation.clusterId, operation.affiliateId);
        truth.look();
        break;
      case "list":
        registry.list(operation.clusterId);
        break;
      case "advance": {
        // In steps, so that what timers announce is compared with the twin of that instant.
        const until = clock.now() + operation.ms;
        while (clock.now() < until) {
          await clock.advance(Math.min(50, until - clock.now()));
          truth.look();
        }
        break;
      }
      case "jump":
        clock.jump(operation.ms);
        truth.look();
        break;
      case "sweep":
        registry.sweep();
        break;
      case "turn":
        await settled();
        break;
      case "watch":
        followers.push(new Follower(registry, truth, operation.clusterId));
        break;
      case "read":
        followers[operation.watcher]?.read();
        // A message is as of the moment of asking, so it is looked at before anything else happens.
        await settled();
        break;
      case "leave":
        followers[operation.watcher]?.leave();
        break;
      case "abort":
        followers[operation.watcher]?.abort();
        break;
    }
    // Not after a jump: a look takes away what has expired, which watchers must be spared on their own.
    if (operation.kind !== "jump") {
      for (const id of CLUSTERS) expect(registry.list(id).map(plain)).toEqual(truth.list(id));
      expect(registry.totals()).toMatchObject(truth.totals());
    }
    for (const follower of followers) expect(follower.failure).toBe(undefined);
  }

  // Slow ones catch up: in the end everybody knows what the list says. The sweep is for those who wait since before a jump.
  registry.sweep();
  await settled();
  for (const follower of followers) {
    if (follower.isDone) continue;
    do {
      follower.read();
      await settled();
    } while (!follower.isWaiting);
    expect(follower.failure).toBe(undefined);
    expect(follower.messages).toBeGreaterThan(0);
    expect(sorted(follower.known.values())).toEqual(sorted(truth.list(follower.clusterId)));
  }

  // With everybody waiting, each end of an endpoint or an affiliate is announced in time.
  const end = clock.now() + MAX_TTL_MS + ANNOUNCED_WITHIN_MS;
  while (clock.now() < end) {
    await clock.advance(50);
    truth.look();
    for (const follower of followers.filter(({ isDone }) => !isDone)) {
      follower.read();
      await settled();
      expect(follower.failure).toBe(undefined);
      if (
        isDeepStrictEqual(sorted(follower.known.values()), sorted(truth.list(follower.clusterId)))
      ) {
        follower.staleSince = undefined;
        continue;
      }
      follower.staleSince ??= clock.now();
      expect(clock.now() - follower.staleSince).toBeLessThan(ANNOUNCED_WITHIN_MS);
    }
  }
  for (const follower of followers) {
    expect(follower.failure).toBe(undefined);
    if (!follower.isDone) expect(follower.known.size).toBe(0);
    follower.leave();
  }
  expect(registry.totals()).toEqual({ clusters: 0, affiliates: 0, endpoints: 0, watchers: 0 });
  expect(clock.pending).toBe(0);
  await registry.close();
}

function sorted(views: Iterable<NaiveView>): NaiveView[] {
  return [...views].sort((a, b) => (a.id < b.id ? -1 : 1));
}

test("any operations, any passing of time and any watchers agree with the naive twin", async () => {
  const operations = fc.array(operation, { minLength: 1, maxLength: 120, size: "max" });
  await fc.assert(fc.asyncProperty(operations, fc.boolean(), run), { numRuns: 300 });
}, 60_000);
