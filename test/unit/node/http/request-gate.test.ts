import { describe, expect, test } from "vitest";
import { parseAddress } from "../../../../src/net/address.ts";
import { Output } from "../../../../src/node/http/output.ts";
import { RequestGate } from "../../../../src/node/http/request-gate.ts";
import { UnsentBytes } from "../../../../src/node/http/unsent-bytes.ts";
import { MemoryBudget } from "../../../../src/registry/memory-budget.ts";
import { Admission } from "../../../../src/server/limits/admission.ts";
import { networkKey } from "../../../../src/server/limits/client-address.ts";
import { CONNECT_STREAM_BYTES } from "../../../../src/server/limits/memory-costs.ts";

const A = parseAddress("192.0.2.1");
const CALL = "/sidero.discovery.server.Cluster/List";

/** @param streams - How many fit into memory. */
function start({ streams = 100, isFull = false, isLimited = false } = {}) {
  const memory = new MemoryBudget({ maxBytes: 3 * streams * CONNECT_STREAM_BYTES });
  const unsent = new UnsentBytes({ perClient: 1000 });
  const output = new Output({ unsent, pacer: undefined, writeTimeoutMs: 60_000 });
  const probes = isLimited ? ({ perSecond: 0.001, burst: 1 } as const) : false;
  const admission = new Admission({ isFull: () => isFull }, probes);
  const gate = new RequestGate({ admission, output, memory });
  const enter = (clientIp: Uint8Array | undefined, target = CALL) =>
    gate.enter({ target, contentType: "application/json", connection: undefined, clientIp });
  return { enter, memory, unsent };
}

/** How many a client may have at a time. */
function enterAll(enter: () => unknown): number {
  for (let entered = 0; entered < 1000; entered++) {
    const answer = enter();
    if (typeof answer === "function") continue;
    expect(answer).toMatchObject({ reason: "stream_limit" });
    return entered;
  }
  return Number.POSITIVE_INFINITY;
}

describe("a request that is taken", () => {
  test("counts as a stream until its answer has gone", () => {
    const { enter, memory } = start();
    const leave = enter(A) as () => void;
    const leaveToo = enter(undefined) as () => void;
    expect(memory.usedBy("streams")).toBe(2 * CONNECT_STREAM_BYTES);
    leave();
    leaveToo();
    expect(memory.usedBytes).toBe(0);
  });

  test("finds a place if its client has no more than are free", () => {
    const { enter } = start({ streams: 12 });
    const clients = [1, 2, 3].map((last) => parseAddress(`192.0.2.${last}`));
    expect(clients.map((client) => enterAll(() => enter(client)))).toEqual([6, 3, 2]);
    expect(enterAll(() => enter(undefined))).toBe(1);
    expect(enter(undefined)).toMatchObject({ reason: "stream_limit" });
  });
});

describe("a request is refused, and takes nothing,", () => {
  test("if too many calls of its client wait", () => {
    const { enter, memory } = start({ isFull: true });
    expect(enter(A)).toMatchObject({ reason: "rate_limit", page: { status: 429 } });
    expect(memory.usedBytes).toBe(0);
  });

  test("if its client has asked for too many pages", () => {
    const { enter } = start({ isLimited: true });
    expect(enter(A, "/healthz")).toBeInstanceOf(Function);
    expect(enter(A, "/healthz")).toMatchObject({ reason: "probe_limit" });
    expect(enter(A)).toBeInstanceOf(Function);
  });

  test("if its client does not read its answers", () => {
    // So much of all that the client is looked up.
    const { enter, unsent, memory } = start();
    const account = unsent.open(undefined, networkKey(A));
    account.add(1001);
    expect(enter(A)).toMatchObject({ reason: "unsent_limit" });
    expect(enter(parseAddress("192.0.2.2"))).toBeInstanceOf(Function);
    account.close();
    expect(enter(A)).toBeInstanceOf(Function);
    expect(memory.usedBy("streams")).toBe(2 * CONNECT_STREAM_BYTES);
  });
});
