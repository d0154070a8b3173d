/**
 * Answers of the fetch handler that nobody reads to their end: nothing of them stays.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WatchRequestSchema } from "../../../src/protocol/index.ts";
import { MemoryBudget } from "../../../src/registry/memory-budget.ts";
import { MemoryRegistry } from "../../../src/registry/memory-registry.ts";
import { createFetchHandler } from "../../../src/server/fetch-handler.ts";
import { settled } from "../../harness/registry/manual-clock.ts";

const CLUSTER_ID = "c";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function start(affiliates: number) {
  const registry = new MemoryRegistry();
  const memory = new MemoryBudget({ maxBytes: 1e9 });
  const codes: string[] = [];
  const handler = createFetchHandler(registry, {
    memory,
    hooks: { onCallEnd: ({ code }) => codes.push(code) },
  });
  const put = (i: number, first = 1) =>
    registry.update({
      ...{ clusterId: CLUSTER_ID, affiliateId: `a${i}`, endpoints: [], ttlMs: 60_000 },
      data: new Uint8Array(2048).fill(first),
    });
  for (let i = 0; i < affiliates; i++) put(i);
  const leave = new AbortController();
  const message = toBinary(
    WatchRequestSchema,
    create(WatchRequestSchema, { clusterId: CLUSTER_ID }),
  );
  const body = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
  const call = (method: string, type: string) =>
    handler(
      new Request(`https://localhost/sidero.discovery.server.Cluster/${method}`, {
        method: "POST",
        headers: { "content-type": type, "grpc-timeout": "5H", "connect-timeout-ms": "18000000" },
        body: type === "application/proto" ? message : body,
        signal: leave.signal,
      }),
    );
  return { registry, memory, codes, put, leave, call };
}

const WATCH_TYPES = ["application/grpc-web", "application/connect+proto"] as const;
const LIST_TYPES = ["application/grpc-web", "application/proto"] as const;

describe.each(WATCH_TYPES)("a watch as %s", (type) => {
  test.each([
    ["before anything is read", 0, 1],
    ["in the middle of the snapshot", 2, 1000],
    ["after the snapshot", 1, 1],
  ])("that is canceled %s", async (_when, reads, affiliates) => {
    const { registry, memory, call, codes } = start(affiliates);
    const timers = vi.getTimerCount();
    const response = await call("Watch", type);
    const reader = response.body?.getReader();
    for (let i = 0; i < reads; i++) expect((await reader?.read())?.done).toBe(false);
    expect(registry.totals().watchers).toBe(1);
    await reader?.cancel();
    await settled();
    expect(registry.totals().watchers).toBe(0);
    expect(memory.usedBy("watches")).toBe(0);
    expect(vi.getTimerCount()).toBeLessThanOrEqual(timers + CACHE_TIMERS);
    expect(codes).toEqual(["Canceled"]);
  });

  test("whose reader waits for a change when it cancels", async () => {
    const { registry, memory, call } = start(1);
    const timers = vi.getTimerCount();
    const reader = (await call("Watch", type)).body?.getReader();
    await reader?.read();
    const waits = reader?.read();
    await settled();
    await reader?.cancel();
    await waits;
    await settled();
    expect(registry.totals().watchers).toBe(0);
    expect(memory.usedBy("watches")).toBe(0);
    expect(vi.getTimerCount()).toBeLessThanOrEqual(timers + CACHE_TIMERS);
  });

  test("whose request is aborted while nobody reads", async () => {
    const { registry, memory, call, leave, codes } = start(1000);
    await call("Watch", type);
    leave.abort();
    await settled();
    expect(registry.totals().watchers).toBe(0);
    expect(memory.usedBy("watches")).toBe(0);
    expect(codes).toEqual(["Canceled"]);
  });

  test("whose deadline passes is told so, also between messages", async () => {
    const { registry, call, codes } = start(1);
    const response = await call("Watch", type);
    const text = response.text();
    await settled();
    vi.advanceTimersByTime(18_000_000);
    expect(await text).toMatch(/grpc-status: ?4|deadline_exceeded/);
    expect(registry.totals().watchers).toBe(0);
    expect(codes).toEqual(["DeadlineExceeded"]);
  });
});

describe.each(LIST_TYPES)("a list as %s", (type) => {
  test.each([0, 1, 3])("that is canceled after %i pieces leaves no timer", async (reads) => {
    const { call } = start(1000);
    const timers = vi.getTimerCount();
    const response = await call("List", type);
    const reader = response.body?.getReader();
    for (let i = 0; i < reads; i++) expect((await reader?.read())?.done).toBe(false);
    await reader?.cancel();
    await settled();
    expect(vi.getTimerCount()).toBe(timers);
  });
});

/** The caches of small answers age. */
const CACHE_TIMERS = 1;
