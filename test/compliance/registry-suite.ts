/**
 * What every registry does, whatever engine is behind it.
 * @module
 */
import { afterEach, describe, expect, test } from "vitest";
import type { RegistryLimits } from "../../src/registry/limits.ts";
import type {
  AffiliateView,
  Registry,
  UpdateRequest,
  WatchMessage,
} from "../../src/registry/registry.ts";

/** A fresh, empty registry, and its time. */
export interface RegistryUnderTest {
  readonly registry: Registry;
  /** Lets time pass: injected, or waited for. */
  passTime(ms: number): Promise<void>;
}

/** Opens an engine under test; the suite closes the registry. */
export type OpenRegistry = (options?: {
  readonly limits?: Partial<RegistryLimits>;
}) => Promise<RegistryUnderTest>;

/** Long enough not to pass by itself, short enough to be waited for. */
const SHORT_TTL_MS = 1_000;
const LONG_TTL_MS = 60_000;
/** What the protocol grants between an expiry and its announcement. */
const ANNOUNCED_WITHIN_MS = 1_000;

/** Runs the suite over one engine. */
export function registrySuite(name: string, open: OpenRegistry): void {
  describe(`${name} is a registry`, () => {
    const opened: Registry[] = [];
    const aborts: AbortController[] = [];

    async function start(options?: Parameters<OpenRegistry>[0]): Promise<RegistryUnderTest> {
      const underTest = await open(options);
      opened.push(underTest.registry);
      return underTest;
    }

    function watch(registry: Registry, clusterId = "c"): AsyncIterator<WatchMessage> {
      const abort = new AbortController();
      aborts.push(abort);
      return registry.watch(clusterId, { signal: abort.signal })[Symbol.asyncIterator]();
    }

    afterEach(async () => {
      for (const abort of aborts.splice(0)) abort.abort();
      for (const registry of opened.splice(0)) await registry.close();
    });

    describe("update and list", () => {
      test("an unknown cluster is an empty one, and takes no memory", async () => {
        const { registry } = await start();
        expect(await registry.list("c")).toEqual([]);
        expect((await registry.totals()).clusters).toBe(0);
      });

      test("an update is listed when it resolves, in the order of first registration", async () => {
        const { registry } = await start();
        await registry.update(update({ affiliateId: "b", data: bytes(1), endpoints: [bytes(2)] }));
        await registry.update(update({ affiliateId: "a" }));
        await registry.update(update({ affiliateId: "b", endpoints: [bytes(3)] }));
        expect((await registry.list("c")).map(plain)).toEqual([
          { id: "b", data: bytes(1), endpoints: [bytes(2), bytes(3)] },
          { id: "a", data: bytes(), endpoints: [] },
        ]);
        expect(await registry.list("other")).toEqual([]);
      });

      test("data replaces data, absent or empty data leaves it alone", async () => {
        const { registry } = await start();
        await registry.update(update({ data: bytes(1) }));
        await registry.update(update({ data: bytes() }));
        await registry.update(update({ endpoints: [bytes(2)] }));
        expect((await registry.list("c"))[0]?.data).toEqual(bytes(1));
        await registry.update(update({ data: bytes(3) }));
        expect((await registry.list("c")).map(plain)).toEqual([
          { id: "a", data: bytes(3), endpoints: [bytes(2)] },
        ]);
      });

      test("what was passed in may be overwritten afterwards", async () => {
        const { registry } = await start();
        const buffer = bytes(1, 2, 3, 4);
        await registry.update(
          update({ data: buffer.subarray(0, 2), endpoints: [buffer.subarray(2)] }),
        );
        buffer.fill(9);
        expect((await registry.list("c")).map(plain)).toEqual([
          { id: "a", data: bytes(1, 2), endpoints: [bytes(3, 4)] },
        ]);
      });

      test("deleting takes away the affiliate, and succeeds for what is not there", async () => {
        const { registry } = await start();
        await registry.delete("c", "a");
        await registry.update(update({ data: bytes(1) }));
        await registry.delete("c", "b");
        await registry.delete("c", "a");
        expect(await registry.list("c")).toEqual([]);
        expect(await registry.totals()).toMatchObject({ clusters: 0, affiliates: 0, endpoints: 0 });
      });

      test("an update with a TTL of 0 is over at once", async () => {
        const { registry } = await start();
        await registry.update(update({ data: bytes(1), endpoints: [bytes(2)], ttlMs: 0 }));
        expect(await registry.list("c")).toEqual([]);
        await registry.update(update({ data: bytes(1) }));
        await registry.update(update({ endpoints: [bytes(2)], ttlMs: 0 }));
        expect((await registry.list("c")).map(plain)).toEqual([
          { id: "a", data: bytes(1), endpoints: [] },
        ]);
        await registry.update(update({ data: bytes(1), ttlMs: 0 }));
        expect(await registry.list("c")).toEqual([]);
      });
    });

    describe("limits", () => {
      test("a bad request is refused with its code, and changes nothing", async () => {
        const { registry } = await start();
        await registry.update(update({ data: bytes(1) }));
        const refused: [Partial<UpdateRequest>, string][] = [
          [{ clusterId: "" }, "ERR_CLUSTER_ID_EMPTY"],
          [{ clusterId: "c".repeat(257) }, "ERR_CLUSTER_ID_TOO_LONG"],
          [{ affiliateId: "" }, "ERR_AFFILIATE_ID_EMPTY"],
          [{ affiliateId: "a".repeat(257) }, "ERR_AFFILIATE_ID_TOO_LONG"],
          [{ data: new Uint8Array(2049) }, "ERR_AFFILIATE_DATA_TOO_BIG"],
          [{ endpoints: [bytes(1), new Uint8Array(33)] }, "ERR_ENDPOINT_TOO_BIG"],
          [{ ttlMs: 1_800_001 }, "ERR_TTL_TOO_LARGE"],
          [{ ttlMs: -1 }, "ERR_TTL_NEGATIVE"],
          [{ data: bytes(2), endpoints: numbered(65) }, "ERR_TOO_MANY_ENDPOINTS"],
        ];
        for (const [changes, code] of refused) {
          expect(await codeOf(() => registry.update(update(changes)))).toBe(code);
        }
        expect((await registry.list("c")).map(plain)).toEqual([
          { id: "a", data: bytes(1), endpoints: [] },
        ]);
        expect(await registry.totals()).toMatchObject({ clusters: 1, affiliates: 1, endpoints: 0 });
      });

      test("strangers' endpoints make room for a node's own, and never the other way round", async () => {
        const { registry } = await start();
        await registry.update(update({ data: bytes(1), endpoints: numbered(1) }));
        await registry.update(update({ endpoints: numbered(64) }));
        const stranger = update({ endpoints: [bytes(1)] });
        expect(await codeOf(() => registry.update(stranger))).toBe("ERR_TOO_MANY_ENDPOINTS");
        await registry.update(update({ data: bytes(2), endpoints: [bytes(1), bytes(2)] }));
        expect((await registry.list("c")).map(plain)).toEqual([
          {
            id: "a",
            data: bytes(2),
            endpoints: [...numbered(1), ...numbered(64).slice(3), bytes(1), bytes(2)],
          },
        ]);
        const tooMany = update({ data: bytes(3), endpoints: numbered(63) });
        expect(await codeOf(() => registry.update(tooMany))).toBe("ERR_TOO_MANY_ENDPOINTS");
        expect((await registry.list("c"))[0]?.data).toEqual(bytes(2));
      });

      test("every largest request is taken", async () => {
        const { registry } = await start();
        const clusterId = "c".repeat(256);
        await registry.update({
          clusterId,
          affiliateId: "a".repeat(256),
          data: new Uint8Array(2048).fill(1),
          endpoints: numbered(64).map((endpoint) => {
            const largest = new Uint8Array(32);
            largest.set(endpoint);
            return largest;
          }),
          ttlMs: 1_800_000,
        });
        const [affiliate] = await registry.list(clusterId);
        expect(affiliate?.data).toHaveLength(2048);
        expect(affiliate?.endpoints).toHaveLength(64);
      });

      test("IDs are checked by every call", async () => {
        const { registry } = await start();
        const long = "x".repeat(257);
        expect(await codeOf(() => registry.list(""))).toBe("ERR_CLUSTER_ID_EMPTY");
        expect(await codeOf(() => registry.list(long))).toBe("ERR_CLUSTER_ID_TOO_LONG");
        expect(await codeOf(() => registry.delete("", "a"))).toBe("ERR_CLUSTER_ID_EMPTY");
        expect(await codeOf(() => registry.delete(long, "a"))).toBe("ERR_CLUSTER_ID_TOO_LONG");
        expect(await codeOf(() => registry.delete("c", ""))).toBe("ERR_AFFILIATE_ID_EMPTY");
        expect(await codeOf(() => registry.delete("c", long))).toBe("ERR_AFFILIATE_ID_TOO_LONG");
        expect(await codeOf(() => watch(registry, "").next())).toBe("ERR_CLUSTER_ID_EMPTY");
        expect(await codeOf(() => watch(registry, long).next())).toBe("ERR_CLUSTER_ID_TOO_LONG");
      });

      test("a full cluster refuses another affiliate, and still takes updates of its own", async () => {
        const { registry } = await start();
        for (let i = 0; i < 1024; i++) await registry.update(update({ affiliateId: `a${i}` }));
        const another = update({ affiliateId: "another" });
        expect(await codeOf(() => registry.update(another))).toBe("ERR_TOO_MANY_AFFILIATES");
        await registry.update(update({ affiliateId: "a0", data: bytes(1) }));
        await registry.delete("c", "a1");
        await registry.update(another);
        expect(await registry.list("c")).toHaveLength(1024);
      });

      test("a full registry refuses another cluster, to writers and to watchers", async () => {
        const { registry } = await start({ limits: { maxClusters: 2 } });
        await registry.update(update({ clusterId: "one" }));
        const watcher = watch(registry, "two");
        await watcher.next();
        const another = update({ clusterId: "three" });
        expect(await codeOf(() => registry.update(another))).toBe("ERR_TOO_MANY_CLUSTERS");
        expect(await codeOf(() => watch(registry, "three").next())).toBe("ERR_TOO_MANY_CLUSTERS");
        expect(await registry.list("three")).toEqual([]);
        await registry.update(update({ clusterId: "two" }));
        await registry.delete("one", "a");
        await registry.update(another);
        expect(await registry.list("three")).toHaveLength(1);
      });

      test("a registry has room for so many affiliates in all, whatever their clusters", async () => {
        const { registry } = await start({ limits: { maxAffiliates: 3 } });
        for (const clusterId of ["one", "two", "three"]) {
          await registry.update(update({ clusterId }));
        }
        const another = update({ clusterId: "one", affiliateId: "another" });
        expect(await codeOf(() => registry.update(another))).toBe(
          "ERR_TOO_MANY_AFFILIATES_IN_TOTAL",
        );
        expect(await registry.list("one")).toHaveLength(1);
        await registry.update(update({ clusterId: "two", data: bytes(1) }));
        await registry.delete("three", "a");
        await registry.update(another);
        expect(await registry.list("one")).toHaveLength(2);
      });
    });

    describe("expiry", () => {
      test("an affiliate lives as long as its TTL, and no longer", async () => {
        const { registry, passTime } = await start();
        await registry.update(update({ data: bytes(1), ttlMs: SHORT_TTL_MS }));
        await passTime(SHORT_TTL_MS / 2);
        expect(await registry.list("c")).toHaveLength(1);
        await registry.update(update({ data: bytes(1), ttlMs: SHORT_TTL_MS }));
        await passTime(SHORT_TTL_MS * 0.75);
        expect(await registry.list("c")).toHaveLength(1);
        await passTime(SHORT_TTL_MS * 0.25);
        expect(await registry.list("c")).toEqual([]);
        expect(await registry.totals()).toMatchObject({ clusters: 0, affiliates: 0, endpoints: 0 });
      });

      test("endpoints expire one by one, and all with their affiliate", async () => {
        const { registry, passTime } = await start();
        await registry.update(update({ data: bytes(1) }));
        await registry.update(update({ endpoints: [bytes(2)], ttlMs: SHORT_TTL_MS }));
        await registry.update(update({ endpoints: [bytes(3)] }));
        await passTime(SHORT_TTL_MS);
        expect((await registry.list("c")).map(plain)).toEqual([
          { id: "a", data: bytes(1), endpoints: [bytes(3)] },
        ]);
        await registry.update(update({ data: bytes(1), ttlMs: SHORT_TTL_MS }));
        await passTime(SHORT_TTL_MS);
        expect(await registry.list("c")).toEqual([]);
      });

      test("an update without data never shortens a life", async () => {
        const { registry, passTime } = await start();
        await registry.update(update({ data: bytes(1) }));
        await registry.update(update({ endpoints: [bytes(2)], ttlMs: SHORT_TTL_MS }));
        await passTime(SHORT_TTL_MS);
        expect(await registry.list("c")).toHaveLength(1);
      });

      test("watchers hear of an expiry within a second: an update for an endpoint, a delete for an affiliate", async () => {
        const { registry, passTime } = await start();
        await registry.update(update({ data: bytes(1), ttlMs: 2 * SHORT_TTL_MS }));
        await registry.update(update({ endpoints: [bytes(2)], ttlMs: SHORT_TTL_MS }));
        const watcher = watch(registry);
        await watcher.next();
        const endpointGone = watcher.next();
        await passTime(SHORT_TTL_MS + ANNOUNCED_WITHIN_MS / 2);
        expect(await endpointGone).toEqual(
          step({ kind: "updated", affiliates: [view("a", bytes(1), [])] }),
        );
        const affiliateGone = watcher.next();
        await passTime(SHORT_TTL_MS);
        expect(await affiliateGone).toEqual(step({ kind: "deleted", ids: ["a"] }));
      });
    });

    describe("watch", () => {
      test("the snapshot comes first, always, also when it is empty", async () => {
        const { registry } = await start();
        expect(await watch(registry).next()).toEqual(step({ kind: "snapshot", affiliates: [] }));
        await registry.update(update({ data: bytes(1), endpoints: [bytes(2)] }));
        expect(await watch(registry).next()).toEqual(
          step({ kind: "snapshot", affiliates: [view("a", bytes(1), [bytes(2)])] }),
        );
      });

      test("every change is told: the whole affiliate, or its ID when it is deleted", async () => {
        const { registry } = await start();
        const watcher = watch(registry);
        await watcher.next();
        const created = watcher.next();
        await registry.update(update({ data: bytes(1) }));
        expect(await created).toEqual(
          step({ kind: "updated", affiliates: [view("a", bytes(1), [])] }),
        );
        await registry.update(update({ endpoints: [bytes(2)] }));
        expect(await watcher.next()).toEqual(
          step({ kind: "updated", affiliates: [view("a", bytes(1), [bytes(2)])] }),
        );
        const deleted = watcher.next();
        await registry.delete("c", "a");
        expect(await deleted).toEqual(step({ kind: "deleted", ids: ["a"] }));
      });

      test("nothing is missed between the snapshot and the first change", async () => {
        const { registry } = await start();
        const watcher = watch(registry);
        const snapshot = watcher.next();
        await registry.update(update({ data: bytes(1) }));
        const told = new Map<string, AffiliateView>();
        for (const first = await snapshot; told.size === 0; ) {
          const { value } = first.value?.affiliates?.length ? first : await watcher.next();
          if (value.kind !== "deleted")
            for (const each of value.affiliates) told.set(each.id, each);
        }
        expect([...told.values()].map(plain)).toEqual([view("a", bytes(1), [])]);
      });

      test("a refresh that changes nothing is not told", async () => {
        const { registry } = await start();
        await registry.update(update({ data: bytes(1), endpoints: [bytes(2), bytes(3)] }));
        const watcher = watch(registry);
        await watcher.next();
        const next = watcher.next();
        await registry.update(update({ data: bytes(1), endpoints: [bytes(3)] }));
        await registry.update(update({ data: bytes(1), endpoints: [bytes(2), bytes(3)] }));
        await registry.update(update({}));
        await registry.update(update({ affiliateId: "b" }));
        expect(await next).toEqual(step({ kind: "updated", affiliates: [view("b", bytes(), [])] }));
      });

      test("a slow reader gets the latest state, and no update after a later delete", async () => {
        const { registry } = await start();
        for (const affiliateId of ["kept", "deleted", "again"]) {
          await registry.update(update({ affiliateId, data: bytes(1) }));
        }
        const watcher = watch(registry);
        await watcher.next();
        for (let i = 2; i < 60; i++) {
          await registry.update(update({ affiliateId: "kept", data: bytes(i) }));
          await registry.update(update({ affiliateId: "unseen", data: bytes(i) }));
        }
        await registry.update(update({ affiliateId: "deleted", data: bytes(2) }));
        await registry.delete("c", "deleted");
        await registry.delete("c", "again");
        await registry.update(update({ affiliateId: "again", data: bytes(3) }));
        await registry.delete("c", "unseen");
        await registry.update(update({ affiliateId: "last" }));

        const told = new Map<string, Uint8Array | undefined>();
        while (!told.has("last") || !told.has("deleted")) {
          const { value } = await watcher.next();
          if (value.kind === "deleted") for (const id of value.ids) told.set(id, undefined);
          else for (const { id, data } of value.affiliates) told.set(id, data);
        }
        expect(told.get("kept")).toEqual(bytes(59));
        expect(told.get("again")).toEqual(bytes(3));
        expect(told.get("deleted")).toBe(undefined);
        expect(told.get("unseen")).toBe(undefined);
      });

      test("watchers of other clusters hear nothing", async () => {
        const { registry } = await start();
        const other = watch(registry, "other");
        await other.next();
        const next = other.next();
        await registry.update(update({}));
        await registry.update(update({ clusterId: "other", affiliateId: "b" }));
        expect(await next).toEqual(step({ kind: "updated", affiliates: [view("b", bytes(), [])] }));
      });

      test("an abort ends a watch without an error, before, while and after it waits", async () => {
        const { registry } = await start();
        const done = { done: true, value: undefined };
        const before = registry.watch("c", { signal: AbortSignal.abort() });
        expect(await before[Symbol.asyncIterator]().next()).toEqual(done);

        const abort = new AbortController();
        const watcher = registry.watch("c", { signal: abort.signal })[Symbol.asyncIterator]();
        await watcher.next();
        const waiting = watcher.next();
        abort.abort();
        expect(await waiting).toEqual(done);
        expect(await watcher.next()).toEqual(done);
        expect(await registry.totals()).toMatchObject({ clusters: 0, watchers: 0 });
      });

      test("leaving the loop frees everything", async () => {
        const { registry } = await start();
        for await (const message of registry.watch("c")) {
          expect(message.kind).toBe("snapshot");
          expect(await registry.totals()).toMatchObject({ clusters: 1, watchers: 1 });
          break;
        }
        expect(await registry.totals()).toMatchObject({ clusters: 0, watchers: 0 });
      });
    });

    describe("close", () => {
      test("ends watches without an error, and refuses further calls", async () => {
        const { registry } = await start();
        expect(await registry.health()).toEqual({ ok: true });
        await registry.update(update({}));
        const watcher = watch(registry);
        await watcher.next();
        const waiting = watcher.next();
        await registry.close();
        expect(await waiting).toEqual({ done: true, value: undefined });
        expect(await watcher.next()).toEqual({ done: true, value: undefined });
        expect(await codeOf(() => registry.update(update({})))).toBe("ERR_REGISTRY_CLOSED");
        expect(await codeOf(() => registry.delete("c", "a"))).toBe("ERR_REGISTRY_CLOSED");
        expect(await codeOf(() => registry.list("c"))).toBe("ERR_REGISTRY_CLOSED");
        expect(await codeOf(() => watch(registry).next())).toBe("ERR_REGISTRY_CLOSED");
        expect((await registry.health()).ok).toBe(false);
        await registry.close();
      });
    });
  });
}

function update(changes: Partial<UpdateRequest>): UpdateRequest {
  return { clusterId: "c", affiliateId: "a", endpoints: [], ttlMs: LONG_TTL_MS, ...changes };
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

function numbered(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => bytes(i, 0xff));
}

/** What of a view is the same for every engine. */
function plain({ id, data, endpoints }: AffiliateView): AffiliateView {
  return { id, data, endpoints };
}

function view(id: string, data: Uint8Array, endpoints: readonly Uint8Array[]): unknown {
  return expect.objectContaining({ id, data, endpoints });
}

function step(message: { kind: string; affiliates?: unknown; ids?: unknown }): unknown {
  return { done: false, value: message };
}

async function codeOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}
