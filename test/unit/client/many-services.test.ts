import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { DiscoveredAffiliate } from "../../../src/client/index.ts";
import { ManyServices } from "../../../src/client/many-services.ts";
import { MAX_SNAPSHOT_MESSAGE_BYTES, MAX_TTL_MS } from "../../../src/protocol/limits.ts";
import { encodeAffiliateField } from "../../../src/protocol/sealed.ts";
import { splitBySize } from "../../../src/server/snapshot-split.ts";
import { CLUSTER_SECRET, FakeService, listed, never, unavailable, until } from "./fake-service.ts";

let services: readonly [FakeService, FakeService];
let many: ManyServices;
let known: Map<string, DiscoveredAffiliate>;
let stop: AbortController;
let running: Promise<void>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
  services = [new FakeService(), new FakeService()];
  known = new Map();
  stop = new AbortController();
  running = Promise.resolve();
  many = new ManyServices(
    {
      services: ["https://first.test/", "https://second.test/"],
      transport: (url) => services[url.includes("first") ? 0 : 1].transport(),
      clusterId: "cluster",
      clusterSecret: CLUSTER_SECRET,
      nodeId: "self",
      random: () => 0.5,
    },
    {
      set: (affiliate) => void known.set(affiliate.nodeId, affiliate),
      delete: (nodeId) => void known.delete(nodeId),
      onSnapshot: () => {},
      onStatus: () => {},
    },
  );
});

afterEach(async () => {
  stop.abort();
  await running;
  await until(() => vi.getTimerCount() === 0);
  vi.useRealTimers();
});

async function startConnected(): Promise<void> {
  running = many.run({ signal: stop.signal });
  await until(() => many.services.every(({ status }) => status.phase === "connected"));
  await many.settled();
}

describe("a lost service", () => {
  beforeEach(async () => {
    for (const service of services) service.snapshot = [listed("a", { hostname: "old" })];
    await startConnected();
    services[1].watch.send(listed("a", { hostname: "new" }, ["10.0.0.1:51820"]));
    await until(() => known.get("a")?.hostname === "new");
    services[1].hello = async () => Promise.reject(unavailable());
    services[1].watch.fail(unavailable());
    await until(() => many.services[1]?.status.phase === "waiting");
  });

  test("is believed for half an hour, the longest that anything in it may live, and then no more", async () => {
    await vi.advanceTimersByTimeAsync(MAX_TTL_MS - 1);
    expect(known.get("a")).toMatchObject({ hostname: "new", endpoints: ["10.0.0.1:51820"] });
    await vi.advanceTimersByTimeAsync(1);
    expect(known.get("a")).toMatchObject({ hostname: "old", endpoints: [] });
  });

  test("that comes back within the half hour is believed on", async () => {
    services[1].hello = async () => ({});
    services[1].snapshot = [listed("a", { hostname: "new" }, ["10.0.0.1:51820"])];
    await vi.advanceTimersByTimeAsync(500);
    await until(() => many.services[1]?.status.phase === "connected");
    await vi.advanceTimersByTimeAsync(MAX_TTL_MS);
    expect(known.get("a")?.hostname).toBe("new");
  });
});

describe("services of which one", () => {
  test("never answers: what the other lists is known, and nothing is settled until the first gives up", async () => {
    services[0].hello = never;
    services[1].snapshot = [listed("a")];
    running = many.run({ signal: stop.signal });
    await until(() => known.has("a"));
    let isSettled = false;
    void many.settled().then(() => {
      isSettled = true;
    });
    await vi.advanceTimersByTimeAsync(9_999);
    expect(isSettled).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await until(() => isSettled);
  });

  test("ends its watches in order: its affiliates are lost until it has told them again", async () => {
    services[0].snapshot = [listed("a")];
    await startConnected();
    expect([...known.keys()]).toEqual(["a"]);
    services[0].hello = never;
    services[0].watch.end();
    await until(() => known.size === 0);
    expect(many.services[0]?.status.phase).toBe("connecting");
  });

  test("comes back with stale data in a snapshot of several parts does not win with any part", async () => {
    const endpoints = Array.from({ length: 64 }, (_, i) => `[fd00::1]:${i + 1}`);
    const stale = Array.from({ length: 1000 }, (_, i) =>
      listed(`node-${i}`, { operatingSystem: "old".padEnd(1950, "x") }, endpoints),
    );
    const fieldBytes = ({ id, data, endpoints }: (typeof stale)[number]) =>
      encodeAffiliateField(id, data, endpoints).length;
    const parts = splitBySize(stale, fieldBytes, MAX_SNAPSHOT_MESSAGE_BYTES);
    expect(parts).toHaveLength(2);
    const snapshot = [...(parts[0] ?? [])];
    const last = [...(parts[1] ?? [])];
    const changed = ["node-0", "node-999"];
    const systems = () => changed.map((nodeId) => known.get(nodeId)?.operatingSystem);
    services[1].snapshot = snapshot;
    services[0].hello = async () => Promise.reject(unavailable());
    running = many.run({ signal: stop.signal });
    await many.settled();
    services[1].watch.send(...last);
    for (const nodeId of changed) {
      services[1].watch.send(listed(nodeId, { operatingSystem: "new" }, endpoints));
    }
    await until(() => systems().every((system) => system === "new"));

    services[0].hello = async () => ({});
    services[0].snapshot = snapshot;
    await vi.advanceTimersByTimeAsync(500);
    await until(() => many.services[0]?.status.phase === "connected");
    services[0].watch.send(...last);
    services[0].watch.send(listed("last"));
    await until(() => known.has("last"));
    expect(systems()).toEqual(["new", "new"]);
    expect(known.size).toBe(1001);
  });
});
