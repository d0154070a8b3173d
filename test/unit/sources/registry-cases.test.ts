/**
 * The cases for registries find what is wrong, and name it.
 * @module
 */

import { describe, expect, test } from "vitest";
import { untilAborted } from "../../../src/async/waits.ts";
import { DiscoveryError } from "../../../src/errors.ts";
import type { AffiliateSpec, LocalAffiliate } from "../../../src/resources/affiliate.ts";
import type {
  DiscoveryRegistry,
  RegistryChange,
  RegistryStatus,
} from "../../../src/sources/discovery-registry.ts";
import {
  discoveryRegistryCases,
  type RegistryCasesOptions,
  type RegistryUnderTest,
} from "../../../src/sources/registry-cases.ts";
import { RegistryFeed } from "../../../src/sources/registry-feed.ts";

type Signal = { readonly signal?: AbortSignal | undefined };

const NODE_ID = "Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd";

/** A registry of a source in memory, as it should be. */
class Sound implements DiscoveryRegistry {
  readonly name: string = "sound";
  protected readonly feed = new RegistryFeed({ phase: "stopped", source: "memory" });
  protected source: readonly AffiliateSpec[] = [];
  #published: AffiliateSpec | undefined;
  #wanted: AffiliateSpec | undefined;
  #isBroken = false;
  #isRunning = false;

  get status(): RegistryStatus {
    return this.feed.status;
  }

  get affiliates(): ReadonlyMap<string, AffiliateSpec> {
    return this.feed.affiliates;
  }

  watch(options: Signal = {}): AsyncIterable<RegistryChange> {
    return this.feed.watch(options);
  }

  async run({ signal = new AbortController().signal }: Signal = {}): Promise<void> {
    this.#isRunning = true;
    this.settle();
    await untilAborted(signal);
    this.#isRunning = false;
    this.settle();
  }

  publish({ affiliate }: LocalAffiliate): void {
    this.#wanted = affiliate;
    this.settle();
  }

  withdraw(): void {
    this.#wanted = undefined;
    this.settle();
  }

  async flush({ signal }: Signal = {}): Promise<void> {
    signal?.throwIfAborted();
  }

  setSource(affiliates: readonly AffiliateSpec[]): void {
    this.source = affiliates;
    this.settle();
  }

  setBroken(isBroken: boolean): void {
    this.#isBroken = isBroken;
    this.settle();
  }

  published(): AffiliateSpec | undefined {
    return this.#published;
  }

  protected settle(): void {
    const source = "memory";
    if (!this.#isRunning) this.feed.setStatus({ phase: "stopped", source });
    else if (this.#isBroken) {
      const lastError = new DiscoveryError("ERR_SERVICE_UNAVAILABLE", "broken");
      this.feed.setStatus({ phase: "waiting", source, lastError });
    } else {
      this.#published = this.#wanted;
      this.tell();
      this.feed.setStatus({ phase: "connected", source });
    }
  }

  protected tell(): void {
    this.feed.replace(this.source.filter(({ nodeId }) => nodeId !== NODE_ID));
  }
}

/** @param timeoutMs - Short by default: what is broken may only make a case fail by never ending. */
function casesOf(
  make: () => Sound,
  open: (registry: Sound) => Partial<RegistryUnderTest> = () => ({}),
  timeoutMs = 100,
): ReturnType<typeof discoveryRegistryCases> {
  const options: RegistryCasesOptions = {
    nodeId: NODE_ID,
    publishes: true,
    breaks: true,
    timeoutMs,
    open: () => {
      const registry = make();
      return {
        registry,
        setSource: (affiliates) => registry.setSource(affiliates),
        published: () => registry.published(),
        breakSource: () => registry.setBroken(true),
        mendSource: () => registry.setBroken(false),
        ...open(registry),
      };
    },
  };
  return discoveryRegistryCases(options);
}

/** Names of the cases that fail. */
async function failures(cases: ReturnType<typeof discoveryRegistryCases>): Promise<string[]> {
  const outcomes = await Promise.all(
    cases.map(({ name, run }) =>
      run().then(
        () => [],
        () => [name],
      ),
    ),
  );
  return outcomes.flat();
}

test("a sound registry passes all", async () => {
  const cases = casesOf(
    () => new Sound(),
    () => ({}),
    10_000,
  );
  expect(cases.length).toBeGreaterThan(20);
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  expect(await failures(cases)).toEqual([]);
});

const BROKEN: readonly (readonly [what: string, make: () => Sound, failing: string])[] = [
  [
    "has a slash in its name",
    () =>
      new (class extends Sound {
        override readonly name = "a/b";
      })(),
    "its name and its source are told, and before run it is stopped",
  ],
  [
    "loses a field",
    () =>
      new (class extends Sound {
        override tell() {
          this.feed.replace(this.source.map(({ controlPlane: _, ...rest }) => rest));
        }
      })(),
    "the first snapshot has all that the source has, with every field",
  ],
  [
    "gives no snapshot of nothing",
    () =>
      new (class extends Sound {
        override tell() {
          if (this.source.length > 0) super.tell();
        }
      })(),
    "an empty source gives an empty snapshot",
  ],
  [
    "forgets that nodes leave",
    () =>
      new (class extends Sound {
        override tell() {
          for (const affiliate of this.source) this.feed.set(affiliate);
          if (this.source.length === 0) this.feed.replace(this.feed.affiliates.values());
        }
      })(),
    "what comes, changes and goes is told",
  ],
  [
    "tells only one of its watches",
    () =>
      new (class extends Sound {
        #watches = 0;
        override watch(options: Signal) {
          if (this.#watches++ === 0) return super.watch(options);
          return new RegistryFeed({ phase: "stopped", source: "nobody" }).watch(options);
        }
      })(),
    "each of several watches is told all",
  ],
  [
    "shows the local node",
    () =>
      new (class extends Sound {
        override tell() {
          this.feed.replace(this.source);
        }
      })(),
    "the local node is never among the others",
  ],
  [
    "throws where its signal aborts",
    () =>
      new (class extends Sound {
        override async *watch({ signal }: Signal = {}) {
          signal?.throwIfAborted();
          yield* super.watch({ signal });
          signal?.throwIfAborted();
        }
      })(),
    "a watch ends without an error when its signal aborts, wherever it is",
  ],
  [
    "rejects at the end of its run",
    () =>
      new (class extends Sound {
        override async run(options: Signal = {}) {
          await super.run(options);
          options.signal?.throwIfAborted();
        }
      })(),
    "run ends with its signal; then it is stopped, and what was known stays known",
  ],
  [
    "runs for ever",
    () =>
      new (class extends Sound {
        override async run(options: Signal = {}) {
          await super.run(options);
          await new Promise(() => {});
        }
      })(),
    "run with a signal that has aborted resolves",
  ],
  [
    "repeats what it has told",
    () =>
      new (class extends Sound {
        override async *watch(options: Signal = {}) {
          for await (const change of super.watch(options)) {
            yield change;
            if (change.kind !== "snapshot") continue;
            for (const affiliate of change.affiliates)
              yield { kind: "updated", affiliate } as const;
          }
        }
      })(),
    "what has not changed is not told again",
  ],
  [
    "queues each change",
    () =>
      new (class extends Sound {
        override async *watch(options: Signal = {}) {
          const queue: RegistryChange[] = [];
          let wake = () => {};
          const reading = (async () => {
            for await (const change of super.watch(options)) {
              queue.push(change);
              wake();
            }
            wake();
          })();
          let hasEnded = false;
          void reading.then(() => {
            hasEnded = true;
            wake();
          });
          for (;;) {
            const next = queue.shift();
            if (next !== undefined) yield next;
            else if (hasEnded) return;
            else {
              await new Promise<void>((resolve) => {
                wake = resolve;
              });
            }
          }
        }
        override setSource(affiliates: readonly AffiliateSpec[]): Promise<void> {
          super.setSource(affiliates);
          // So that the queue has it.
          return new Promise((resolve) => setImmediate(resolve));
        }
      })(),
    "a slow reader is told the latest state, and of nothing that it need not know",
  ],
  [
    "runs only once",
    () =>
      new (class extends Sound {
        #runs = 0;
        override async run(options: Signal = {}) {
          if (this.#runs++ === 0) await super.run(options);
        }
      })(),
    "it may run again, and finds what has changed",
  ],
  [
    "keeps its statuses to itself",
    () =>
      new (class extends Sound {
        override async *watch(options: Signal = {}) {
          for await (const change of super.watch(options)) {
            if (change.kind !== "status") yield change;
          }
        }
      })(),
    "a watch tells of each status, the first also before the snapshot",
  ],
  [
    "publishes only what it is told while it runs",
    () =>
      new (class extends Sound {
        override publish(local: LocalAffiliate) {
          if (this.status.phase === "connected") super.publish(local);
        }
      })(),
    "what is published before run is at the source when flush resolves",
  ],
  [
    "publishes once",
    () =>
      new (class extends Sound {
        override publish(local: LocalAffiliate) {
          if (this.published() === undefined) super.publish(local);
        }
      })(),
    "what is published later takes the place of what was",
  ],
  [
    "does not withdraw",
    () =>
      new (class extends Sound {
        override withdraw() {}
      })(),
    "withdraw takes it back",
  ],
  [
    "flushes for ever",
    () =>
      new (class extends Sound {
        override flush() {
          return new Promise<void>(() => {});
        }
      })(),
    "flush rejects with the reason of its signal",
  ],
  [
    "forgets all when its source breaks",
    () =>
      new (class extends Sound {
        override setBroken(isBroken: boolean) {
          super.setBroken(isBroken);
          if (isBroken) this.feed.replace([]);
        }
      })(),
    "a source that fails is told by the status, and what was known stays known",
  ],
  [
    "never tries again",
    () =>
      new (class extends Sound {
        override setBroken(isBroken: boolean) {
          if (isBroken) super.setBroken(isBroken);
        }
      })(),
    "a source that works again is followed, and only what is different is told",
  ],
];

describe("a registry that", () => {
  test.each(BROKEN)("%s fails the case of it", async (_what, make, failing) => {
    expect(await failures(casesOf(make))).toContain(failing);
  });
});

test("a case that fails says what was expected", async () => {
  const [, forgetful] = BROKEN[3] ?? BROKEN[0] ?? [];
  const cases = casesOf(forgetful ?? (() => new Sound()));
  const gone = cases.find(({ name }) => name === "what comes, changes and goes is told");
  await expect(gone?.run()).rejects.toThrow("waited 100 ms for this: a change");
});

test("what a case opened is closed, also where it fails", async () => {
  let closed = 0;
  const cases = casesOf(
    () => new Sound(),
    () => ({
      setSource: () => {
        throw new Error("no source");
      },
      close: () => {
        closed++;
      },
    }),
  );
  const failed = await failures(cases);
  expect(failed.length).toBeGreaterThan(0);
  expect(closed).toBe(cases.length);
});

test("publishing needs a node ID, and an only read registry has neither publish nor withdraw", async () => {
  const open = () => ({ registry: new Sound(), setSource: () => {} });
  expect(() => discoveryRegistryCases({ open, publishes: true })).toThrow(TypeError);
  expect(await failures(discoveryRegistryCases({ open, timeoutMs: 50 }))).toContain(
    "one that is only read has neither publish nor withdraw",
  );
});
