import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { MemoryRegistry } from "../../../../src/registry/memory-registry.ts";
import type { Registry, WatchMessage } from "../../../../src/registry/registry.ts";
import type { Caller } from "../../../../src/server/rpc/caller.ts";
import { createProcedures, ttlMsOf } from "../../../../src/server/rpc/procedures.ts";

const CLIENT_IP = new Uint8Array([192, 0, 2, 1]);

function caller(signal: AbortSignal = new AbortController().signal): Caller {
  return { signal, clientIp: () => CLIENT_IP, timeoutMs: () => undefined };
}

async function collect(messages: AsyncIterable<WatchMessage>): Promise<readonly string[]> {
  const kinds: string[] = [];
  for await (const { kind } of messages) kinds.push(kind);
  return kinds;
}

/** Starts a watch and waits for its snapshot; `rest` settles at its end. */
async function openWatch(registry: Registry, watch: AsyncIterable<WatchMessage>) {
  const messages = watch[Symbol.asyncIterator]();
  const first = await messages.next();
  expect(first.value?.kind).toBe("snapshot");
  expect((await registry.totals()).watchers).toBe(1);
  const rest = messages.next();
  return { rest };
}

test("Hello reports the caller's IP, and no redirect where none is set", () => {
  const procedures = createProcedures(new MemoryRegistry());
  expect(procedures.hello({ clusterId: "c" }, caller())).toEqual({
    redirectEndpoint: undefined,
    clientIp: CLIENT_IP,
  });
});

test("Hello reports nothing where reporting is off or the IP is unknown", async () => {
  const silent = createProcedures(new MemoryRegistry(), { reportClientIp: false });
  expect((await silent.hello({ clusterId: "c" }, caller())).clientIp).toHaveLength(0);
  const unknown = { ...caller(), clientIp: () => undefined };
  const procedures = createProcedures(new MemoryRegistry());
  expect((await procedures.hello({ clusterId: "c" }, unknown)).clientIp).toHaveLength(0);
});

test("a rate limit costs no promise while there are tokens, and refuses what would be too late", () => {
  const rateLimit = { perSecond: 0.0001, burst: 5 };
  const procedures = createProcedures(new MemoryRegistry(), { rateLimit });
  const late = { ...caller(), timeoutMs: () => 1000 };
  const update = { clusterId: "c", affiliateId: "a", affiliateEndpoints: [] };
  expect(procedures.hello({ clusterId: "c" }, late)).not.toBeInstanceOf(Promise);
  expect(procedures.affiliateUpdate(update, late)).toBeUndefined();
  expect(procedures.affiliateDelete(update, late)).toBeUndefined();
  expect(procedures.list({ clusterId: "c" }, late)).toEqual([]);
  procedures.hello({ clusterId: "c" }, late);
  for (const call of [
    () => procedures.hello({ clusterId: "c" }, late),
    () => procedures.affiliateUpdate(update, late),
    () => procedures.affiliateDelete(update, late),
    () => procedures.list({ clusterId: "c" }, late),
  ]) {
    expect(call).toThrow(expect.objectContaining({ code: "ERR_RATE_LIMITED" }));
  }
});

test("a call that waited for its turn is told what it did wrong", async () => {
  const procedures = createProcedures(new MemoryRegistry(), {
    rateLimit: { perSecond: 20, burst: 1 },
  });
  procedures.hello({ clusterId: "c" }, caller());
  const empty = expect.objectContaining({ code: "ERR_CLUSTER_ID_EMPTY" });
  const waiting = async () => procedures.hello({ clusterId: "" }, caller());
  await expect(waiting()).rejects.toEqual(empty);
});

test("an empty redirect endpoint is the operator's mistake", () => {
  expect(() => createProcedures(new MemoryRegistry(), { redirectEndpoint: "" })).toThrow(
    new TypeError("redirectEndpoint: is empty"),
  );
});

test("a watch ends without an error when the registry closes", async () => {
  const registry = new MemoryRegistry();
  const watching = collect(createProcedures(registry).watch({ clusterId: "c" }, caller()));
  await registry.close();
  await watching;
});

test("a watch ends without an error when watches end, and new ones are refused", async () => {
  const registry = new MemoryRegistry();
  const procedures = createProcedures(registry);
  const { rest } = await openWatch(registry, procedures.watch({ clusterId: "c" }, caller()));
  procedures.endWatches();
  expect(await rest).toEqual({ done: true, value: undefined });
  expect(registry.totals().watchers).toBe(0);
  await expect(collect(procedures.watch({ clusterId: "c" }, caller()))).rejects.toMatchObject({
    code: "ERR_REGISTRY_CLOSED",
  });
});

test("a watch whose deadline is over fails with the deadline's reason, and is freed", async () => {
  const registry = new MemoryRegistry();
  const controller = new AbortController();
  const watch = createProcedures(registry).watch({ clusterId: "c" }, caller(controller.signal));
  const { rest } = await openWatch(registry, watch);
  const reason = new ConnectError("the operation timed out", Code.DeadlineExceeded);
  controller.abort(reason);
  await expect(rest).rejects.toBe(reason);
  expect(registry.totals()).toMatchObject({ watchers: 0, clusters: 0 });
});

test("a watch of a caller that has already gone takes nothing", async () => {
  const registry = new MemoryRegistry();
  const watch = createProcedures(registry).watch({ clusterId: "c" }, caller(AbortSignal.abort()));
  await expect(collect(watch)).rejects.toMatchObject({ name: "AbortError" });
  expect(registry.totals()).toMatchObject({ watchers: 0, clusters: 0 });
});

test("leaving a watch frees it and its listener", async () => {
  const registry = new MemoryRegistry();
  const watch = createProcedures(registry).watch({ clusterId: "c" }, caller());
  for await (const _ of watch) break;
  expect(registry.totals()).toMatchObject({ watchers: 0, clusters: 0 });
});

test.each([
  ["a missing ttl is 0", undefined, 0],
  ["seconds and nanos add up", { seconds: 1n, nanos: 500_000_000 }, 1500],
  ["30 minutes", { seconds: 1800n, nanos: 0 }, 1_800_000],
  ["a nanosecond over 30 minutes is over it", { seconds: 1800n, nanos: 1 }, 1_800_001],
  ["a nanosecond under 30 minutes", { seconds: 1799n, nanos: 999_999_999 }, 1_800_000],
  ["a part of a millisecond is a whole one", { seconds: 0n, nanos: 1 }, 1],
  ["a nanosecond under zero is negative", { seconds: 0n, nanos: -1 }, -1],
  ["nanos over a second are carried", { seconds: 1799n, nanos: 1_000_000_000 }, 1_800_000],
  ["nanos of the other sign are taken off", { seconds: 1n, nanos: -1_000_000 }, 999],
  [
    "the largest int64 is far over",
    { seconds: 2n ** 63n - 1n, nanos: 0 },
    Number(2n ** 63n) * 1000,
  ],
  ["the least int64 is far under", { seconds: -(2n ** 63n), nanos: 0 }, -Number(2n ** 63n) * 1000],
])("the TTL of a request in ms: %s", (_name, ttl, expected) => {
  expect(ttlMsOf(ttl)).toBe(expected);
});
