import fc from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { MAX_OPENED_AFFILIATES } from "../../../src/client/watcher.ts";
import * as clusterCipher from "../../../src/crypto/cluster-cipher.ts";
import { MAX_SNAPSHOT_MESSAGE_BYTES } from "../../../src/protocol/limits.ts";
import { encodeAffiliateField } from "../../../src/protocol/sealed.ts";
import { splitBySize } from "../../../src/server/rpc/wire-messages.ts";
import {
  CLUSTER_SECRET,
  type FakeService,
  listed,
  unavailable,
  until,
} from "../../harness/service/fake-service.ts";
import { type ClientHarness, setUpHarness } from "./client-harness.ts";

const harness = setUpHarness();
let service: FakeService;
let h: ClientHarness;

beforeEach(() => {
  h = harness.current;
  service = h.service;
});

/** All that was sent has been read once this one is known. */
async function settled(client: { affiliates: ReadonlyMap<string, unknown> }): Promise<void> {
  const nodeId = `settled-${service.watch.sent}`;
  service.watch.send(listed(nodeId));
  await until(() => client.affiliates.has(nodeId));
  service.watch.sendDeleted(nodeId);
  await until(() => !client.affiliates.has(nodeId));
}

describe("what is known", () => {
  test("the snapshot, updates and deletes of others, opened, with their endpoints in order", async () => {
    service.snapshot = [listed("a", { hostname: "host-a" }, ["10.0.0.1:1", "[fd00::1]:2"])];
    const client = await h.startConnected();
    expect(client.affiliates.get("a")).toMatchObject({
      nodeId: "a",
      hostname: "host-a",
      endpoints: ["10.0.0.1:1", "[fd00::1]:2"],
    });
    service.watch.send(listed("b", { nodename: "node-b" }));
    service.watch.sendDeleted("a");
    await settled(client);
    expect([...client.affiliates.keys()]).toEqual(["b"]);
  });

  test("our own affiliate is skipped, updated or deleted", async () => {
    service.snapshot = [listed("self")];
    const client = await h.startConnected();
    service.watch.send(listed("self"));
    service.watch.sendDeleted("self");
    await settled(client);
    expect(client.affiliates.size).toBe(0);
  });

  test("an affiliate without data is skipped until its data comes", async () => {
    service.snapshot = [{ ...listed("a", {}, ["10.0.0.1:1"]), data: new Uint8Array() }];
    const client = await h.startConnected();
    expect(client.affiliates.size).toBe(0);
    service.watch.send(listed("a", { hostname: "here" }, ["10.0.0.1:1"]));
    await settled(client);
    expect(client.affiliates.get("a")?.hostname).toBe("here");
    expect(h.drops).toEqual([]);
  });

  test("an affiliate that loses its data is gone", async () => {
    service.snapshot = [listed("a")];
    const client = await h.startConnected();
    service.watch.send({ id: "a", endpoints: listed("a", {}, ["10.0.0.1:1"]).endpoints });
    await settled(client);
    expect(client.affiliates.has("a")).toBe(false);
  });

  test("a later part of a split snapshot adds to the first", async () => {
    service.snapshot = [listed("a")];
    const client = await h.startConnected();
    service.watch.send(listed("b"), listed("c"));
    await settled(client);
    expect([...client.affiliates.keys()]).toEqual(["a", "b", "c"]);
  });

  test("after a reconnect a split snapshot makes nobody leave and come back", async () => {
    const endpoints = Array.from({ length: 64 }, (_, i) => `[fd00::1]:${i + 1}`);
    const all = Array.from({ length: 1000 }, (_, i) =>
      listed(`node-${i}`, { operatingSystem: "x".repeat(1950) }, endpoints),
    );
    const fieldBytes = ({ id, data, endpoints }: (typeof all)[number]) =>
      encodeAffiliateField(id, data, endpoints).length;
    const [first, second, ...more] = splitBySize(all, fieldBytes, MAX_SNAPSHOT_MESSAGE_BYTES);
    if (first === undefined || second === undefined) throw new Error("two parts expected");
    expect(more).toEqual([]);
    service.snapshot = [...all, listed("gone")];
    const client = await h.startConnected();
    const changes = client.watch({ signal: h.stop.signal });
    await changes.next();
    service.snapshot = [...first];
    service.watch.end();
    await until(() => service.watches.length === 2 && client.status.phase === "connected");
    expect(client.affiliates.size).toBe(1001);
    service.watch.send(...second);
    expect((await changes.next()).value).toEqual({ kind: "deleted", nodeId: "gone" });
    expect(client.affiliates.size).toBe(1000);
  });

  test("unchanged affiliates and endpoints are not opened again", async () => {
    const openAffiliate = vi.fn<(sealed: Uint8Array) => void>();
    const openEndpoint = vi.fn<(sealed: Uint8Array) => void>();
    const real = clusterCipher.createClusterCipher(CLUSTER_SECRET);
    const create = vi.spyOn(clusterCipher, "createClusterCipher").mockReturnValue({
      ...real,
      openAffiliate: (sealed) => {
        openAffiliate(sealed);
        return real.openAffiliate(sealed);
      },
      openEndpoint: (sealed) => {
        openEndpoint(sealed);
        return real.openEndpoint(sealed);
      },
    });
    const a = listed("a", {}, ["10.0.0.1:1", "10.0.0.1:2"]);
    service.snapshot = [a];
    const client = await h.startConnected();
    create.mockRestore();
    const before = client.affiliates.get("a");
    service.watch.send(a);
    service.watch.end();
    await until(() => service.watches.length === 2 && client.status.phase === "connected");
    expect(client.affiliates.get("a")).toBe(before);
    expect(openAffiliate).toHaveBeenCalledTimes(1);
    expect(openEndpoint).toHaveBeenCalledTimes(2);
    const more = listed("a", {}, ["10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:3"]).endpoints;
    service.watch.send({ ...a, endpoints: more });
    await until(() => client.affiliates.get("a")?.endpoints.length === 3);
    expect(openAffiliate).toHaveBeenCalledTimes(1);
    expect(openEndpoint).toHaveBeenCalledTimes(3);
  });

  test("the same content sealed again is no change", async () => {
    service.snapshot = [listed("a", { hostname: "same" })];
    const client = await h.startConnected();
    const before = client.affiliates.get("a");
    service.watch.send(listed("a", { hostname: "same" }));
    await settled(client);
    expect(client.affiliates.get("a")).toBe(before);
  });
});

describe("bad data from others", () => {
  const good = listed("good");

  test.each([
    [
      "data shorter than nonce and tag",
      { id: "a", data: new Uint8Array(27) },
      [{ reason: "affiliate_too_short", nodeId: "a", bytes: 27 }],
    ],
    [
      "data under another secret",
      { id: "a", data: new Uint8Array(100) },
      [{ reason: "affiliate_tag_mismatch", nodeId: "a" }],
    ],
    [
      "data that opens to no affiliate",
      {
        id: "a",
        data: clusterCipher
          .createClusterCipher(CLUSTER_SECRET)
          .sealAffiliate(new Uint8Array([0x0a, 0x7f])),
      },
      [{ reason: "affiliate_malformed", nodeId: "a" }],
    ],
    [
      "one node under another's name",
      { ...listed("b"), id: "a" },
      [{ reason: "affiliate_id_mismatch", nodeId: "a", sealedNodeId: "b" }],
    ],
    [
      "a node without a name",
      { ...listed("a", { nodeId: "" }), id: "a" },
      [{ reason: "affiliate_id_mismatch", nodeId: "a", sealedNodeId: "" }],
    ],
  ])("is dropped and reported, and the rest is kept: %s", async (_, bad, reports) => {
    service.snapshot = [bad, good];
    const client = await h.startConnected();
    expect([...client.affiliates.keys()]).toEqual(["good"]);
    expect(h.drops).toEqual(reports);
    expect(h.retries).toEqual([]);
  });

  test.each([
    ["empty", new Uint8Array(0)],
    ["15 bytes", new Uint8Array(15)],
    ["random", new Uint8Array(16).fill(7)],
    ["too long", new Uint8Array(4096)],
  ])(
    "a malformed endpoint is left out, reported once, and its affiliate is kept: %s",
    async (_, bad) => {
      const a = listed("a", {}, ["10.0.0.1:1", "10.0.0.1:2"]);
      const [first, second] = a.endpoints;
      if (first === undefined || second === undefined) throw new Error("two endpoints expected");
      service.snapshot = [{ ...a, endpoints: [first, bad, second] }];
      const client = await h.startConnected();
      expect(client.affiliates.get("a")?.endpoints).toEqual(["10.0.0.1:1", "10.0.0.1:2"]);
      expect(h.drops).toEqual([{ reason: "endpoint_malformed", nodeId: "a", index: 1 }]);
    },
  );

  test("new data that does not open makes the affiliate leave, as for a client that starts now", async () => {
    service.snapshot = [listed("a"), good];
    const client = await h.startConnected();
    const changes = client.watch({ signal: h.stop.signal });
    await changes.next();
    service.watch.send({ id: "a", data: new Uint8Array(64) });
    expect((await changes.next()).value).toEqual({ kind: "deleted", nodeId: "a" });
    service.watch.send(listed("a", { hostname: "back" }));
    expect((await changes.next()).value).toMatchObject({
      kind: "updated",
      affiliate: { nodeId: "a", hostname: "back" },
    });
  });

  test("a message with far too many entries is cut short, with one report for the rest", async () => {
    const bad = { data: new Uint8Array(28) };
    service.snapshot = Array.from({ length: 20_000 }, (_, i) => ({ id: `bad-${i}`, ...bad }));
    const log = vi.fn();
    const client = await h.startConnected({ log });
    expect(client.affiliates.size).toBe(0);
    expect(log.mock.calls.length).toBeLessThan(110);
    expect(h.drops).toHaveLength(MAX_OPENED_AFFILIATES + 1);
    expect(h.drops.at(-1)).toEqual({
      reason: "affiliates_over_limit",
      nodeId: `bad-${MAX_OPENED_AFFILIATES}`,
      count: 20_000 - MAX_OPENED_AFFILIATES,
    });
  });

  test("an affiliate with far too many endpoints keeps the first 256", async () => {
    const endpoints = Array.from({ length: 300 }, (_, i) => `10.0.0.1:${i + 1}`);
    service.snapshot = [listed("a", {}, endpoints)];
    const client = await h.startConnected();
    expect(client.affiliates.get("a")?.endpoints).toEqual(endpoints.slice(0, 256));
    expect(h.drops).toEqual([{ reason: "endpoints_over_limit", nodeId: "a", count: 44 }]);
  });

  test("any bytes anywhere end no loop", async () => {
    const client = await h.startConnected();
    const bytes = fc.uint8Array({ maxLength: 80 });
    const affiliate = fc.record({
      id: fc.oneof(fc.string(), fc.constant("a"), fc.constant("self")),
      data: fc.oneof(bytes, fc.constant(listed("a").data)),
      endpoints: fc.array(bytes, { maxLength: 4 }),
    });
    const messages = fc.array(fc.tuple(fc.boolean(), fc.array(affiliate, { maxLength: 4 })));
    for (const [deleted, affiliates] of fc.sample(messages, 50).flat()) {
      service.watch.put({ deleted, affiliates });
    }
    await settled(client);
    expect(h.retries).toEqual([]);
    expect([...client.affiliates.keys()].filter((id) => id !== "a")).toEqual([]);
  });
});

describe("watching the client", () => {
  test("the first snapshot of a service is waited for", async () => {
    service.snapshot = undefined;
    const client = h.start();
    const changes = client.watch({ signal: h.stop.signal });
    let got = false;
    const first = changes.next().then((result) => {
      got = true;
      return result.value;
    });
    await until(() => service.watches.length === 1);
    expect(got).toBe(false);
    service.watch.send();
    expect(await first).toEqual({ kind: "snapshot", affiliates: [] });
  });

  test("one that comes later gets all that is known, also while the service is gone", async () => {
    service.snapshot = [listed("a")];
    const client = await h.startConnected();
    service.watch.fail(unavailable());
    await until(() => client.status.phase === "waiting");
    const { value } = await client.watch({ signal: h.stop.signal }).next();
    expect(value).toMatchObject({ kind: "snapshot", affiliates: [{ nodeId: "a" }] });
  });

  test("a slow reader gets the latest state of each, and hears of no leaving whose coming it missed", async () => {
    service.snapshot = [listed("a", { hostname: "0" }), listed("b")];
    const client = await h.startConnected();
    const slow = client.watch({ signal: h.stop.signal });
    await slow.next();
    for (let i = 1; i <= 100; i++) service.watch.send(listed("a", { hostname: `${i}` }));
    service.watch.send(listed("short-lived"));
    service.watch.sendDeleted("short-lived");
    service.watch.sendDeleted("b");
    await settled(client);
    expect((await slow.next()).value).toMatchObject({
      kind: "updated",
      affiliate: { nodeId: "a", hostname: "100" },
    });
    expect((await slow.next()).value).toEqual({ kind: "deleted", nodeId: "b" });
    service.watch.send(listed("c"));
    expect((await slow.next()).value).toMatchObject({ affiliate: { nodeId: "c" } });
  });

  test("each of several readers gets every change", async () => {
    const client = await h.startConnected();
    const readers = [client.watch(h.stop), client.watch(h.stop), client.watch(h.stop)];
    for (const reader of readers) await reader.next();
    service.watch.send(listed("a"));
    for (const reader of readers) {
      expect((await reader.next()).value).toMatchObject({ kind: "updated" });
    }
  });

  test("an abort ends the iteration without an error, before and after the snapshot", async () => {
    const client = h.createClient();
    const early = new AbortController();
    const waiting = client.watch({ signal: early.signal }).next();
    early.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await client.watch({ signal: early.signal }).next()).toMatchObject({ done: true });

    h.run(client);
    await until(() => client.status.phase === "connected");
    const late = new AbortController();
    const changes = client.watch({ signal: late.signal });
    await changes.next();
    const next = changes.next();
    late.abort();
    expect(await next).toMatchObject({ done: true });
  });
});
