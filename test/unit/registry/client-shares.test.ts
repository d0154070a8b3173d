import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isDiscoveryError } from "../../../src/errors.ts";
import { ClientShares } from "../../../src/registry/client-shares.ts";
import { MemoryBudget } from "../../../src/registry/memory-budget.ts";
import {
  MemoryRegistry,
  type MemoryRegistryOptions,
} from "../../../src/registry/memory-registry.ts";
import type { UpdateRequest } from "../../../src/registry/registry.ts";
import { stateBytes } from "../../../src/registry/state-bytes.ts";
import { createManualClock } from "../../harness/registry/manual-clock.ts";
import { sealedBytes, sealedEndpoints } from "./sealed-bytes.ts";

const TTL_MS = 60_000;

/** Adds as many as it may. */
function fill(shares: ClientShares, client: string): number {
  let count = 0;
  for (; shares.allows(client); count++) shares.add(client);
  return count;
}

describe("shares", () => {
  test("one client takes half at most, the next one half of the rest", () => {
    const shares = new ClientShares({ max: 100 });
    expect([fill(shares, "a"), fill(shares, "b"), fill(shares, "c")]).toEqual([50, 25, 13]);
    expect(shares.allows("a")).toBe(false);
    expect(shares.allows("d")).toBe(true);
    expect(shares.held).toBe(88);
    expect(shares.heldBy("a")).toBe(50);
    expect(shares.heldBy("d")).toBe(0);
  });

  test("10 clients cannot lock out an eleventh", () => {
    for (const max of [1024, 50_000]) {
      const shares = new ClientShares({ max });
      for (let i = 0; i < 10; i++) fill(shares, `client ${i}`);
      expect(fill(shares, "eleventh")).toBeGreaterThan(0);
    }
  });

  test("what is taken off is free again", () => {
    const shares = new ClientShares({ max: 3 });
    fill(shares, "a");
    expect(shares.heldBy("a")).toBe(2);
    shares.remove("a");
    expect(shares.allows("b")).toBe(true);
    shares.remove("a");
    expect(shares).toMatchObject({ held: 0, clients: 0 });
  });

  test("unknown clients have no share, but take from what is free", () => {
    const shares = new ClientShares({ max: 10 });
    for (let i = 0; i < 8; i++) {
      expect(shares.allows(undefined)).toBe(true);
      shares.add(undefined);
    }
    expect(shares.heldBy(undefined)).toBe(0);
    expect(fill(shares, "a")).toBe(1);
    for (let i = 0; i < 8; i++) shares.remove(undefined);
    expect(fill(shares, "a")).toBe(4);
    expect(shares.clients).toBe(1);
  });

  test("a share may be larger, smaller or off", () => {
    expect(fill(new ClientShares({ max: 110, sharePercent: 1_000 }), "a")).toBe(100);
    expect(fill(new ClientShares({ max: 100, sharePercent: 10 }), "a")).toBe(10);
    const off = new ClientShares({ max: 2, sharePercent: 0 });
    for (let i = 0; i < 5; i++) off.add("a");
    expect(off.allows("a")).toBe(true);
    for (const sharePercent of [-1, 0.5, 100_001, Number.NaN]) {
      expect(() => new ClientShares({ max: 2, sharePercent })).toThrow(RangeError);
    }
  });

  test("equal texts are kept once", () => {
    const shares = new ClientShares({ max: 10 });
    const texts = [0, 1].map(() => shares.add(Buffer.from("client").toString()));
    expect(texts).toEqual(["client", "client"]);
    expect(shares.clients).toBe(1);
  });

  test("random clients: nobody over half, a newcomer gets something, and all comes back", () => {
    const client = fc.option(fc.nat({ max: 12 }).map(String), { nil: undefined, freq: 10 });
    const step = fc.record({ client, isAdd: fc.boolean() });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.array(step), (max, steps) => {
        const shares = new ClientShares({ max });
        const held: (string | undefined)[] = [];
        const heldBy = (one: string | undefined) => held.filter((each) => each === one).length;
        for (const { client: one, isAdd } of steps) {
          const mayAdd =
            held.length < max && (one === undefined || heldBy(one) + 1 <= max - held.length);
          if (held.length < max) expect(shares.allows(one)).toBe(mayAdd);
          if (isAdd && mayAdd) {
            shares.add(one);
            held.push(one);
          } else if (!isAdd && held.includes(one)) {
            shares.remove(one);
            held.splice(held.indexOf(one), 1);
          }
          if (one !== undefined) expect(heldBy(one)).toBeLessThanOrEqual(Math.ceil(max / 2));
          expect(shares.held).toBe(held.length);
          expect(shares.allows("newcomer")).toBe(held.length < max);
          expect(shares.clients).toBe(new Set(held.filter((each) => each !== undefined)).size);
        }
      }),
    );
  });
});

function update(changes: Partial<UpdateRequest> = {}): UpdateRequest {
  return { clusterId: "c", affiliateId: "a", endpoints: [], ttlMs: TTL_MS, ...changes };
}

function of(client: string | undefined, network?: string) {
  return { client: () => (client === undefined ? undefined : { client, network }) };
}

function open(options: MemoryRegistryOptions = {}) {
  const clock = createManualClock();
  const registry = new MemoryRegistry({ now: clock.now, schedule: clock.schedule, ...options });
  return { clock, registry };
}

function codeOf(call: () => void): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (isDiscoveryError(error)) return error.code;
    throw error;
  }
}

describe("clusters of one client", () => {
  test("are at most as many as are free, by update and by watch, and count until they go", async () => {
    const { clock, registry } = open({ limits: { maxClusters: 4 } });
    registry.update(update({ clusterId: "1" }), of("x"));
    const watcher = registry.watch("2", of("x"))[Symbol.asyncIterator]();
    await watcher.next();
    const another = update({ clusterId: "3" });
    const code = "ERR_CLUSTER_SHARE";
    const message = "too many clusters of one client";
    expect(() => registry.update(another, of("x"))).toThrow(
      expect.objectContaining({ code, message }),
    );
    const refused = registry.watch("3", of("x"))[Symbol.asyncIterator]();
    await expect(refused.next()).rejects.toMatchObject({ code });
    expect(registry.totals()).toMatchObject({ clusters: 2, affiliates: 1 });
    registry.update(another, of("y"));
    registry.update(update({ clusterId: "1", affiliateId: "b" }), of("x"));
    await watcher.return?.();
    registry.update(update({ clusterId: "2" }), of("x"));
    await clock.advance(TTL_MS);
    for (const clusterId of ["1", "2"]) registry.update(update({ clusterId }), of("x"));
    expect(codeOf(() => registry.update(update({ clusterId: "3" }), of("x")))).toBe(code);
    await registry.close();
  });

  test("count for its network too", async () => {
    const { registry } = open({ limits: { maxClusters: 100 } });
    let clusters = 0;
    for (let i = 0; i < 100; i++) {
      const call = () =>
        registry.update(
          update({ clusterId: `c${i}` }),
          of(`2001:db8:0:${i}::/64`, "2001:db8::/48"),
        );
      if (codeOf(call) === undefined) clusters++;
    }
    expect(clusters).toBe(50);
    registry.update(update({ clusterId: "other" }), of("2001:db8:1:1::/64", "2001:db8:1::/48"));
    registry.update(update({ clusterId: "v4" }), of("203.0.113.1"));
    await registry.close();
  });
});

describe("affiliates of one client", () => {
  const code = "ERR_AFFILIATE_SHARE";

  test("are at most as many as are free; refreshes of known ones always pass", async () => {
    const { registry } = open({ limits: { maxAffiliates: 8 } });
    const affiliate = (i: number, changes: Partial<UpdateRequest> = {}) =>
      update({ affiliateId: `a${i}`, data: sealedBytes(i), ...changes });
    for (let i = 0; i < 4; i++) registry.update(affiliate(i), of("x"));
    expect(() => registry.update(affiliate(4), of("x"))).toThrow(
      expect.objectContaining({ code, message: "too many affiliates of one client" }),
    );
    expect(registry.totals().affiliates).toBe(4);
    for (let i = 0; i < 4; i++) {
      registry.update(affiliate(i, { endpoints: sealedEndpoints(64) }), of("x"));
    }
    registry.update(affiliate(4), of("y"));
    // A refresh by another does not change whose it is.
    registry.update(affiliate(0, { data: sealedBytes(9) }), of("y"));
    registry.update(affiliate(5), of("y"));
    expect(codeOf(() => registry.update(affiliate(6), of("y")))).toBe(code);
    registry.delete("c", "a0");
    registry.delete("c", "a1");
    registry.update(affiliate(6), of("x"));
    await registry.close();
  });

  test("that were restored belong to the first who refreshes them with data", async () => {
    const kept = (id: string) => ({ id, data: sealedBytes(1), ttlMs: TTL_MS, endpoints: [] });
    const registry = await MemoryRegistry.open({
      limits: { maxAffiliates: 8, maxClusters: 2 },
      journal: { load: () => [{ id: "c", affiliates: ["a", "b", "d", "e"].map(kept) }] },
    });
    let asked = 0;
    const caller = (client: string) => ({
      client: () => {
        asked++;
        return { client };
      },
    });
    registry.update(update({ endpoints: sealedEndpoints(1) }), caller("stranger"));
    expect(asked).toBe(0);
    for (const affiliateId of ["a", "b", "d", "e"]) {
      registry.update(update({ affiliateId, data: sealedBytes(1) }), caller("x"));
    }
    expect(asked).toBe(4);
    registry.update(update({ data: sealedBytes(2) }), caller("y"));
    expect(asked).toBe(4);
    const another = update({ affiliateId: "f", data: sealedBytes(1) });
    expect(codeOf(() => registry.update(another, caller("x")))).toBe(code);
    registry.update(another, caller("y"));
    const elsewhere = update({ clusterId: "another" });
    expect(codeOf(() => registry.update(elsewhere, caller("x")))).toBe("ERR_CLUSTER_SHARE");
    await registry.close();
  });

  test("count for a caller that finds out who it is when it is asked", async () => {
    class Caller {
      readonly #client = "x";
      client() {
        return { client: this.#client };
      }
    }
    const registry = new MemoryRegistry({ limits: { maxClusters: 2 } });
    registry.update(update({ clusterId: "one" }), new Caller());
    const two = registry.watch("two", new Caller())[Symbol.asyncIterator]();
    await expect(two.next()).rejects.toMatchObject({ code: "ERR_CLUSTER_SHARE" });
    await registry.close();
  });

  test("take at most as many bytes as are free, also if they grow only later", async () => {
    const largest = { idBytes: 3, dataBytes: 2048, endpoints: 0 };
    // Each client stands in two tables.
    const clientBytes = 3 * 2 * 230;
    const maxBytes = Math.ceil((40 * stateBytes(largest) + clientBytes) / 0.9);
    const memory = new MemoryBudget({ maxBytes });
    const { registry } = open({ memory });
    const grow = (client: string) => {
      let grown = 0;
      for (let i = 0; i < 40; i++) {
        const affiliateId = `${client}${String(i).padStart(2, "0")}`;
        const small = codeOf(() => registry.update(update({ affiliateId }), of(client)));
        const request = update({ affiliateId, data: sealedBytes(i, 2048) });
        const large = small ?? codeOf(() => registry.update(request, of(client)));
        if (large === undefined) grown++;
        else expect([code, "ERR_MEMORY_LIMIT"]).toContain(large);
      }
      return grown;
    };
    const grown = ["x", "y", "z"].map(grow);
    expect(grown[0]).toBeGreaterThan(10);
    expect(grown[0]).toBeLessThanOrEqual(20);
    expect(grown[2]).toBeGreaterThan(0);
    expect(memory.isTight()).toBe(false);
    // As large as before, with other data.
    registry.update(update({ affiliateId: "x00", data: sealedBytes(99, 2048) }), of("x"));
    await registry.close();
    expect(memory.usedBytes).toBe(0);
  });

  test("may be without a share, for all or for a caller that is not known", async () => {
    const off = { affiliatesPercent: 0, clustersPercent: 0 };
    const { registry } = open({ limits: { maxAffiliates: 4, maxClusters: 4 }, shares: off });
    for (let i = 0; i < 4; i++) registry.update(update({ clusterId: `c${i}` }), of("x"));
    await registry.close();
    const unknown = open({ limits: { maxAffiliates: 4 } }).registry;
    for (let i = 0; i < 4; i++) unknown.update(update({ affiliateId: `a${i}` }), of(undefined));
    await unknown.close();
    expect(() => new MemoryRegistry({ shares: { clustersPercent: 1.5 } })).toThrow(
      "shares.clustersPercent must be an integer from 0 to 100000, got 1.5",
    );
  });
});

test("random clients of a registry: refreshes always pass, memory never runs out, and all is counted off again", async () => {
  const step = fc.record({
    clusterId: fc.constantFrom("1", "2", "3", "4", "5"),
    affiliateId: fc.constantFrom("a", "b", "c", "d"),
    client: fc.constantFrom("x", "y", "z", undefined),
    data: fc.option(fc.integer({ min: 1, max: 400 }), { nil: undefined }),
    isDelete: fc.boolean(),
    ms: fc.nat({ max: TTL_MS / 4 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80, size: "max" }), async (steps) => {
      const memory = new MemoryBudget({ maxBytes: 12_000 });
      const limits = { maxClusters: 4, maxAffiliates: 10 };
      const { clock, registry } = open({ limits, memory });
      for (const { clusterId, affiliateId, client, data, isDelete, ms } of steps) {
        await clock.advance(ms);
        if (isDelete) registry.delete(clusterId, affiliateId);
        else {
          const bytes = data === undefined ? undefined : sealedBytes(1, data);
          const request = update({ clusterId, affiliateId, data: bytes });
          const before = registry.list(clusterId).find(({ id }) => id === affiliateId);
          const code = codeOf(() => registry.update(request, of(client)));
          if (before !== undefined && before.data.length >= (data ?? 0))
            expect(code).toBe(undefined);
          if (client === undefined) expect(code).not.toBe("ERR_CLUSTER_SHARE");
        }
        expect(memory.isTight()).toBe(false);
        const all = ["1", "2", "3", "4", "5"].flatMap((id) => registry.list(id));
        expect(registry.totals().affiliates).toBe(all.length);
        expect(memory.usedBytes > 0).toBe(all.length > 0);
      }
      // The timer is up to 100 ms late.
      await clock.advance(TTL_MS + 100);
      expect(memory.usedBytes).toBe(0);
      // Nothing is left of who held it: a new client finds half of all.
      const grown = [..."abcdef"].filter(
        (affiliateId) =>
          codeOf(() => registry.update(update({ affiliateId }), of("newcomer"))) === undefined,
      );
      expect(grown.length).toBe(5);
      await registry.close();
    }),
    { numRuns: 60 },
  );
});
