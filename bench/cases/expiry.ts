/**
 * What expiry costs: when 10,000 affiliates end together, and when nothing is due.
 * @module
 */
import assert from "node:assert/strict";
import { MAX_TTL_MS } from "../../src/protocol/index.ts";
import { MemoryRegistry } from "../../src/registry/index.ts";
import type { Comparison, Version } from "../harness/compare.ts";
import { type BenchOptions, compareAll } from "../harness/measure.ts";
import { NaiveRegistry } from "../twins/naive-registry.ts";
import { updateRequest } from "../twins/requests.ts";

export const measure = (options: BenchOptions) => compareAll(comparisons(options), options);

const AFFILIATES = 10_000;
const AFFILIATES_PER_CLUSTER = 1000;

/** A clock that is moved by hand. */
interface Clock {
  ms: number;
}

interface Filled {
  readonly clock: Clock;
  readonly registry: Pick<MemoryRegistry, "update" | "sweep"> & {
    totals(): { readonly clusters: number; readonly affiliates: number };
    close?(): Promise<void>;
  };
}

function* comparisons({ quick }: BenchOptions): Iterable<Comparison> {
  // TTLs in no order, so that the order of expiry is not that of arrival.
  const requests = Array.from({ length: AFFILIATES }, (_, i) =>
    updateRequest(
      `cluster-${Math.floor(i / AFFILIATES_PER_CLUSTER)}`,
      `node-${i}`,
      MAX_TTL_MS - ((i * 7919) % AFFILIATES),
    ),
  );
  const fill = (create: (clock: Clock) => Filled["registry"]) => (): Filled => {
    const clock = { ms: 0 };
    const registry = create(clock);
    for (const request of requests) registry.update(request);
    return { clock, registry };
  };
  const fillOurs = fill(createOurs);
  const fillNaive = fill((clock) => new NaiveRegistry(() => clock.ms));

  yield {
    name: "expiry of 10,000 affiliates, per affiliate",
    operations: 1,
    unitsPerOperation: AFFILIATES,
    rounds: quick ? 5 : 10,
    verify: () => {
      for (const fillOne of [fillOurs, fillNaive]) verifySteps(fillOne());
    },
    versions: [expireAll("ours", fillOurs), expireAll("naive map", fillNaive)],
  };

  const ours = fillOurs();
  const naive = fillNaive();
  yield {
    name: "sweep of 10,000 affiliates of which none is due",
    verify: () => {
      for (const { registry } of [ours, naive]) {
        registry.sweep();
        assert.equal(registry.totals().affiliates, AFFILIATES);
      }
    },
    versions: [
      { name: "ours", run: () => ours.registry.sweep() },
      { name: "naive map", run: () => naive.registry.sweep() },
    ],
  };
}

/** Never wakes by itself: the sweep is what is timed. */
function createOurs(clock: Clock): MemoryRegistry {
  return new MemoryRegistry({ now: () => clock.ms, schedule: () => ({ cancel: () => {} }) });
}

function expireAll(name: string, setup: () => Filled): Version<Filled> {
  return {
    name,
    setup,
    run(_, { clock, registry }) {
      clock.ms = MAX_TTL_MS;
      registry.sweep();
    },
    teardown: async ({ registry }) => {
      assert.deepEqual(pickTotals(registry), { clusters: 0, affiliates: 0 });
      await registry.close?.();
    },
  };
}

/** Half of them end half-way, none too early or late. */
function verifySteps({ clock, registry }: Filled): void {
  const firstEnd = MAX_TTL_MS - (AFFILIATES - 1);
  for (const [ms, alive] of [
    [firstEnd - 1, AFFILIATES],
    [firstEnd, AFFILIATES - 1],
    [MAX_TTL_MS - AFFILIATES / 2, AFFILIATES / 2],
    [MAX_TTL_MS - 1, 1],
    [MAX_TTL_MS, 0],
  ] as const) {
    clock.ms = ms;
    registry.sweep();
    assert.equal(registry.totals().affiliates, alive);
  }
}

function pickTotals(registry: Filled["registry"]): { clusters: number; affiliates: number } {
  const { clusters, affiliates } = registry.totals();
  return { clusters, affiliates };
}
