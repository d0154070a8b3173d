import { expect, test } from "vitest";
import { type ObservedCall, SharedAddress } from "../../../../src/cli/serve/shared-address.ts";

const WINDOW_MS = 300_000;

function update(node: number, clientAddress: string | undefined, fields = {}): ObservedCall {
  return {
    method: "AffiliateUpdate",
    code: "OK",
    clusterId: "c",
    affiliateId: `node ${node}`,
    clientAddress,
    ...fields,
  };
}

/** What is found when calls have come for a window, at its end. */
function found(calls: readonly ObservedCall[]): string | undefined {
  let time = 0;
  const shared = new SharedAddress(() => time);
  for (const call of calls) expect(shared.observe(call)).toBeUndefined();
  time = WINDOW_MS;
  return shared.observe(update(0, "10.9.9.9"));
}

function nodesAt(address: string, howMany: number, first = 0): ObservedCall[] {
  return Array.from({ length: howMany }, (_, i) => update(first + i, address));
}

test("nearly all nodes at one private address share it", () => {
  expect(found(nodesAt("10.0.0.1", 20))).toBe("10.0.0.1");
  expect(found([...nodesAt("fd00::1", 19), ...nodesAt("10.0.0.2", 1, 19)])).toBe("fd00::1");
});

test("90 % of the nodes are not enough", () => {
  expect(found([...nodesAt("10.0.0.1", 18), ...nodesAt("10.0.0.2", 2, 18)])).toBeUndefined();
});

test("a public address may well be that of a whole network", () => {
  expect(found(nodesAt("192.0.2.1", 100))).toBeUndefined();
});

test("few nodes may share a machine", () => {
  expect(found(nodesAt("10.0.0.1", 19))).toBeUndefined();
});

test("a node counts once, however often it calls, and by calls that succeed", () => {
  expect(found([...nodesAt("10.0.0.1", 10), ...nodesAt("10.0.0.1", 10)])).toBeUndefined();
  const others = Array.from({ length: 30 }, (_, i) =>
    i % 2 === 0
      ? update(i, "10.0.0.1", { code: "ResourceExhausted" })
      : update(i, "10.0.0.1", { method: "Hello" }),
  );
  expect(found(others)).toBeUndefined();
});

test("nodes of several clusters with one ID are several", () => {
  const calls = Array.from({ length: 20 }, (_, i) => update(0, "10.0.0.1", { clusterId: `c${i}` }));
  expect(found(calls)).toBe("10.0.0.1");
});

test("callers whose address is not known share none", () => {
  expect(found(Array.from({ length: 30 }, (_, i) => update(i, undefined)))).toBeUndefined();
});

test("a thousand nodes decide, whatever comes after them", () => {
  expect(found([...nodesAt("10.0.0.1", 1000), ...nodesAt("10.0.0.2", 5000, 1000)])).toBe(
    "10.0.0.1",
  );
});

test("what is not clear in one window may be in the next, and it is told once", () => {
  let time = 0;
  const shared = new SharedAddress(() => time);
  const told: (string | undefined)[] = [];
  for (let window = 0; window < 4; window++) {
    const nodes = nodesAt("10.0.0.1", window === 0 ? 5 : 50, window * 100);
    for (const call of nodes) told.push(shared.observe(call));
    time += WINDOW_MS;
  }
  expect(told.filter((address) => address !== undefined)).toEqual(["10.0.0.1"]);
});
