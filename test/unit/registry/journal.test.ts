import { describe, expect, test } from "vitest";
import { isDiscoveryError } from "../../../src/errors.ts";
import type {
  Journal,
  JournalAffiliate,
  JournalChange,
  JournalCluster,
} from "../../../src/registry/journal.ts";
import { MemoryRegistry } from "../../../src/registry/memory-registry.ts";
import type { UpdateRequest } from "../../../src/registry/registry.ts";
import { createManualClock } from "../../harness/registry/manual-clock.ts";
import { sealedBytes, sealedEndpoints } from "./sealed-bytes.ts";

const [e1, e2] = sealedEndpoints(2) as [Uint8Array, Uint8Array];

/** Keeps what it is given, in memory. */
class MemoryJournal implements Journal {
  clusters: JournalCluster[] = [];
  changes: JournalChange[] = [];
  refusals: string[] = [];
  failure: Error | undefined;
  saves = 0;

  *load(): Iterable<JournalCluster> {
    yield* this.clusters;
  }

  refused(clusterId: string, affiliate: JournalAffiliate, error: unknown): void {
    this.refusals.push(`${clusterId}/${affiliate.id} ${isDiscoveryError(error) && error.code}`);
  }

  record(change: JournalChange): void {
    if (this.failure !== undefined) throw this.failure;
    this.changes.push(change);
  }

  async save(clusters: Iterable<JournalCluster>): Promise<void> {
    this.saves++;
    const kept: JournalCluster[] = [];
    for (const cluster of clusters) {
      kept.push(cluster);
      await Promise.resolve();
    }
    if (this.failure !== undefined) throw this.failure;
    this.clusters = kept;
  }
}

function update(changes: Partial<UpdateRequest> = {}): UpdateRequest {
  return { clusterId: "c", affiliateId: "a", endpoints: [], ttlMs: 10_000, ...changes };
}

function kept(id: string, changes: Partial<JournalAffiliate> = {}): JournalAffiliate {
  return { id, data: sealedBytes(1), ttlMs: 10_000, endpoints: [], ...changes };
}

async function open(journal: Journal) {
  const clock = createManualClock();
  const { now, schedule } = clock;
  return { clock, registry: await MemoryRegistry.open({ journal, now, schedule }) };
}

describe("save and load", () => {
  test("what one registry saves at its close, the next one lists, with the time that was left", async () => {
    const journal = new MemoryJournal();
    const first = await open(journal);
    first.registry.update(update({ data: sealedBytes(1), endpoints: [e1] }));
    first.registry.update(update({ endpoints: [e2], ttlMs: 4_000 }));
    first.registry.update(update({ clusterId: "d", affiliateId: "b", ttlMs: 2_000 }));
    await first.clock.advance(1_000);
    await first.registry.close();
    expect(journal.clusters).toEqual([
      {
        id: "c",
        affiliates: [
          kept("a", {
            ttlMs: 9_000,
            endpoints: [
              { data: e1, ttlMs: 9_000 },
              { data: e2, ttlMs: 3_000 },
            ],
          }),
        ],
      },
      { id: "d", affiliates: [kept("b", { data: new Uint8Array(0), ttlMs: 1_000 })] },
    ]);

    const { clock, registry } = await open(journal);
    expect(registry.totals()).toMatchObject({ clusters: 2, affiliates: 2, endpoints: 2 });
    expect(clock.pending).toBe(1);
    await clock.advance(3_000);
    expect(registry.list("c")).toMatchObject([{ id: "a", data: sealedBytes(1), endpoints: [e1] }]);
    expect(registry.list("d")).toEqual([]);
    await clock.advance(6_000);
    expect(registry.totals()).toMatchObject({ clusters: 0, affiliates: 0, endpoints: 0 });
    await registry.close();
  });

  test("a save has nothing that has expired, though nothing else has noticed yet", async () => {
    const journal = new MemoryJournal();
    const { clock, registry } = await open(journal);
    registry.update(update({ data: sealedBytes(1) }));
    registry.update(update({ endpoints: [e1], ttlMs: 1_000 }));
    registry.update(update({ clusterId: "d", ttlMs: 1_000 }));
    clock.jump(1_000);
    await registry.save();
    expect(journal.clusters).toEqual([{ id: "c", affiliates: [kept("a", { ttlMs: 9_000 })] }]);
    await registry.close();
  });

  test("a cluster that goes and comes back during a save comes once, one that goes does not come", async () => {
    const journal = new MemoryJournal();
    const { registry } = await open(journal);
    for (const clusterId of ["c", "d", "e"]) registry.update(update({ clusterId }));
    const saving = registry.save();
    // The journal waits after each cluster; the first has been written.
    await Promise.resolve();
    registry.delete("c", "a");
    registry.delete("d", "a");
    registry.update(update({ clusterId: "c" }));
    registry.update(update({ clusterId: "late" }));
    await saving;
    expect(journal.clusters.map(({ id }) => id)).toEqual(["c", "e"]);
    await registry.close();
    expect(journal.clusters.map(({ id }) => id)).toEqual(["e", "c", "late"]);
  });

  test("the journal is told of changes, and not of refreshes or of what it has loaded", async () => {
    const told: string[] = [];
    let what = "load";
    const { clock, registry } = await open({
      load: () => [{ id: "c", affiliates: [kept("a"), kept("b", { ttlMs: 3_000 })] }],
      changed: () => void told.push(what),
    });
    const during = (name: string, work: () => void) => {
      what = name;
      work();
    };
    during("refresh", () => registry.update(update({ data: sealedBytes(1), ttlMs: 20_000 })));
    during("new data", () => registry.update(update({ data: sealedBytes(2) })));
    during("new endpoint", () => registry.update(update({ endpoints: [e1], ttlMs: 9_000 })));
    during("same endpoint", () => registry.update(update({ endpoints: [e1], ttlMs: 9_000 })));
    what = "expiry";
    await clock.advance(3_000);
    during("delete", () => registry.delete("c", "a"));
    during("delete of nothing", () => registry.delete("c", "a"));
    expect(told).toEqual(["new data", "new endpoint", "expiry", "delete"]);
    await registry.close();
  });

  test("saves come one after the other, and one that fails does not stop the next", async () => {
    const journal = new MemoryJournal();
    const { registry } = await open(journal);
    registry.update(update());
    const failing = registry.save();
    journal.failure = new Error("disk full");
    await expect(failing).rejects.toThrow("disk full");
    journal.failure = undefined;
    await Promise.all([registry.save(), registry.save()]);
    expect(journal.saves).toBe(3);
    expect(journal.clusters).toHaveLength(1);
    await registry.close();
  });

  test("a closed registry does not save its emptiness over what was kept", async () => {
    const journal = new MemoryJournal();
    const { registry } = await open(journal);
    registry.update(update());
    await registry.close();
    await expect(registry.save()).rejects.toMatchObject({ code: "ERR_REGISTRY_CLOSED" });
    expect(journal.clusters).toHaveLength(1);
  });

  test("a close whose save fails says so, and is closed", async () => {
    const journal = new MemoryJournal();
    const { registry } = await open(journal);
    registry.update(update());
    journal.failure = new Error("disk full");
    await expect(registry.close()).rejects.toThrow("disk full");
    expect(registry.totals().affiliates).toBe(0);
  });

  test("what the limits refuse is passed over and reported, what has no time left is gone", async () => {
    const journal = new MemoryJournal();
    journal.clusters = [
      { id: "", affiliates: [kept("a")] },
      {
        id: "c",
        affiliates: [
          kept(""),
          kept("big", { data: new Uint8Array(2049) }),
          kept("many", {
            endpoints: sealedEndpoints(65).map((data) => ({ data, ttlMs: 1_000 })),
          }),
          kept("over", { ttlMs: 0 }),
          kept("past", { ttlMs: -1 }),
          kept("part", {
            endpoints: [
              { data: e1, ttlMs: 0 },
              { data: e2, ttlMs: 1 },
            ],
          }),
          kept("long", { ttlMs: 9_000_000 }),
        ],
      },
      { id: "c", affiliates: [kept("long", { data: sealedBytes(2), ttlMs: 9_000_000 })] },
    ];
    const { clock, registry } = await open(journal);
    expect(journal.refusals).toEqual([
      "/a ERR_CLUSTER_ID_EMPTY",
      "c/ ERR_AFFILIATE_ID_EMPTY",
      "c/big ERR_AFFILIATE_DATA_TOO_BIG",
      "c/many ERR_TOO_MANY_ENDPOINTS",
    ]);
    expect(registry.list("c")).toMatchObject([
      { id: "part", endpoints: [e2] },
      { id: "long", data: sealedBytes(2) },
    ]);
    await clock.advance(1_799_999);
    expect(registry.list("c")).toHaveLength(1);
    await clock.advance(1);
    expect(registry.list("c")).toEqual([]);
    await registry.close();
  });

  test("a journal may load without blocking, and its failure fails the opening", async () => {
    const affiliates = [kept("a")];
    const { registry } = await open({
      async *load() {
        yield { id: "c", affiliates };
      },
    });
    expect(registry.list("c")).toHaveLength(1);
    await registry.close();
    const unreadable = {
      load(): Iterable<JournalCluster> {
        throw new Error("unreadable");
      },
    };
    await expect(MemoryRegistry.open({ journal: unreadable })).rejects.toThrow("unreadable");
  });
});

describe("record", () => {
  test("each change is written through with the time that is left, a silent refresh too", async () => {
    const journal = new MemoryJournal();
    const { clock, registry } = await open(journal);
    registry.update(update({ data: sealedBytes(1), endpoints: [e1] }));
    registry.update(update({ data: sealedBytes(1), ttlMs: 10_000 }));
    registry.update(update({ endpoints: [e1], ttlMs: 1 }));
    await clock.advance(2_000);
    registry.update(update({ data: sealedBytes(1), ttlMs: 20_000 }));
    await clock.advance(8_000);
    registry.delete("c", "a");
    registry.delete("c", "a");
    registry.update(update({ ttlMs: 0 }));
    registry.update(update({ affiliateId: "b", ttlMs: 100 }));
    await clock.advance(1_000);
    const a = (ttlMs: number, ...endpoints: JournalAffiliate["endpoints"]): JournalChange => ({
      kind: "put",
      clusterId: "c",
      affiliate: kept("a", { ttlMs, endpoints }),
    });
    expect(journal.changes).toEqual([
      a(10_000, { data: e1, ttlMs: 10_000 }),
      a(20_000, { data: e1, ttlMs: 8_000 }),
      a(12_000),
      { kind: "delete", clusterId: "c", affiliateId: "a" },
      {
        kind: "put",
        clusterId: "c",
        affiliate: kept("b", { data: new Uint8Array(0), ttlMs: 100 }),
      },
      { kind: "delete", clusterId: "c", affiliateId: "b" },
    ]);
    await registry.close();
  });

  test("a change that cannot be written is refused and has changed nothing, an expiry happens", async () => {
    const journal = new MemoryJournal();
    const { clock, registry } = await open(journal);
    registry.update(update({ data: sealedBytes(1) }));
    const list = registry.list("c");
    journal.failure = new Error("disk full");
    expect(() => registry.update(update({ data: sealedBytes(2) }))).toThrow("disk full");
    expect(() => registry.update(update({ clusterId: "d" }))).toThrow("disk full");
    expect(() => registry.delete("c", "a")).toThrow("disk full");
    expect(registry.list("c")).toBe(list);
    expect(registry.totals()).toMatchObject({ clusters: 1, affiliates: 1 });
    expect(registry.health()).toEqual({ ok: false, reason: "journal: disk full" });
    await clock.advance(10_000);
    expect(registry.list("c")).toEqual([]);
    journal.failure = undefined;
    registry.update(update());
    expect(registry.health()).toEqual({ ok: true });
    await registry.close();
  });
});

describe("wakeAt", () => {
  test("the journal is asked to wake the registry instead of a timer, and told when there is no need", async () => {
    const asked: (number | undefined)[] = [];
    const { clock, registry } = await open({
      load: () => [{ id: "c", affiliates: [kept("a", { ttlMs: 10_000 })] }],
      wakeAt: (instant) => asked.push(instant),
    });
    expect(clock.pending).toBe(0);
    expect(asked).toEqual([11_000]);
    registry.update(update({ affiliateId: "b", ttlMs: 4_000 }));
    registry.update(update({ affiliateId: "c", ttlMs: 6_000 }));
    expect(asked).toEqual([11_000, 5_000]);
    clock.jump(4_000);
    registry.sweep();
    expect(asked).toEqual([11_000, 5_000, 7_000]);
    // Too early, and refreshed meanwhile.
    registry.update(update({ affiliateId: "c", ttlMs: 8_000 }));
    registry.sweep();
    expect(asked).toEqual([11_000, 5_000, 7_000, 11_000]);
    registry.delete("c", "c");
    registry.delete("c", "a");
    expect(asked).toEqual([11_000, 5_000, 7_000, 11_000, undefined]);
    await registry.close();
  });
});
