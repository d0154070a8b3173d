import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MAX_SNAPSHOT_MESSAGE_BYTES, MAX_TTL_MS } from "../../../../src/protocol/limits.ts";
import { encodeAffiliateField } from "../../../../src/protocol/sealed.ts";
import type { AffiliateSpec } from "../../../../src/resources/affiliate.ts";
import { splitBySize } from "../../../../src/server/rpc/wire-messages.ts";
import { ServiceRegistry } from "../../../../src/sources/service/service-registry.ts";
import {
  CLUSTER_SECRET,
  FakeService,
  listed,
  never,
  unavailable,
  until,
} from "../../../harness/service/fake-service.ts";
import { type HistoryStep, naiveAnswer, type Said } from "./naive-service-shares.ts";

let services: readonly [FakeService, FakeService];
let registry: ServiceRegistry;
let known: ReadonlyMap<string, AffiliateSpec>;
let stop: AbortController;
let running: Promise<void>;

beforeEach(() => {
  // Only what waits for time: setImmediate stays, so that a test can let promises run.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
  setUp();
});

function setUp(): void {
  services = [new FakeService(), new FakeService()];
  stop = new AbortController();
  running = Promise.resolve();
  registry = new ServiceRegistry({
    services: ["https://first.test/", "https://second.test/"],
    transport: (url) => services[url.includes("first") ? 0 : 1].transport(),
    clusterId: "cluster",
    clusterSecret: CLUSTER_SECRET,
    nodeId: "self",
    random: () => 0.5,
  });
  known = registry.affiliates;
}

function endpointsOf(nodeId: string): readonly string[] {
  return known.get(nodeId)?.kubespan?.endpoints ?? [];
}

afterEach(async () => {
  stop.abort();
  await running;
  await until(() => vi.getTimerCount() === 0);
  vi.useRealTimers();
});

async function startConnected(): Promise<void> {
  running = registry.run({ signal: stop.signal });
  await until(() => registry.services.every(({ status }) => status.phase === "connected"));
  await registry.settled();
}

describe("a lost service", () => {
  beforeEach(async () => {
    for (const service of services) service.snapshot = [listed("a", { hostname: "old" })];
    await startConnected();
    services[1].watch.send(listed("a", { hostname: "new" }, ["10.0.0.1:51820"]));
    await until(() => known.get("a")?.hostname === "new");
    services[1].hello = async () => Promise.reject(unavailable());
    services[1].watch.fail(unavailable());
    await until(() => registry.services[1]?.status.phase === "waiting");
  });

  test("is believed for half an hour, the longest that anything in it may live, and then no more", async () => {
    await vi.advanceTimersByTimeAsync(MAX_TTL_MS - 1);
    expect(known.get("a")?.hostname).toBe("new");
    expect(endpointsOf("a")).toEqual(["10.0.0.1:51820"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(known.get("a")?.hostname).toBe("old");
    expect(endpointsOf("a")).toEqual([]);
  });

  test("that comes back within the half hour is believed on", async () => {
    services[1].hello = async () => ({});
    services[1].snapshot = [listed("a", { hostname: "new" }, ["10.0.0.1:51820"])];
    await vi.advanceTimersByTimeAsync(500);
    await until(() => registry.services[1]?.status.phase === "connected");
    await vi.advanceTimersByTimeAsync(MAX_TTL_MS);
    expect(known.get("a")?.hostname).toBe("new");
  });
});

describe("the state of a service", () => {
  test("is plain data with a flush that stands alone, also in reports", async () => {
    const reported: unknown[] = [];
    const own = new ServiceRegistry({
      services: ["https://first.test/"],
      transport: (url) => services[url.includes("first") ? 0 : 1].transport(),
      clusterId: "cluster",
      clusterSecret: CLUSTER_SECRET,
      nodeId: "self",
      random: () => 0.5,
      onRetry: (_error, _delayMs, service) => reported.push(JSON.parse(JSON.stringify(service))),
    });
    services[0].hello = async () => Promise.reject(unavailable());
    running = own.run({ signal: stop.signal });
    await until(() => reported.length > 0);
    expect(reported[0]).toMatchObject({
      name: "first.test:443",
      url: "https://first.test:443",
      status: { phase: "waiting" },
      failureCount: 1,
    });
    const [state] = own.services;
    expect(Object.keys({ ...state }).sort()).toEqual([
      "failureCount",
      "flush",
      "name",
      "publicAddress",
      "status",
      "url",
    ]);
    const { flush } = state ?? {};
    await flush?.();
  });
});

test("the end of a run takes nothing away, whichever service ends first", async () => {
  services[0].snapshot = [listed("a")];
  services[1].snapshot = [listed("b")];
  await startConnected();
  await until(() => known.size === 2);
  stop.abort();
  await running;
  expect([...known.keys()].sort()).toEqual(["a", "b"]);
  expect(registry.status.phase).toBe("stopped");
});

describe("services of which one", () => {
  test("never answers: what the other lists is known, and nothing is settled until the first gives up", async () => {
    services[0].hello = never;
    services[1].snapshot = [listed("a")];
    running = registry.run({ signal: stop.signal });
    await until(() => known.has("a"));
    let isSettled = false;
    void registry.settled().then(() => {
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
    expect(registry.services[0]?.status.phase).toBe("connecting");
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
    running = registry.run({ signal: stop.signal });
    await registry.settled();
    services[1].watch.send(...last);
    for (const nodeId of changed) {
      services[1].watch.send(listed(nodeId, { operatingSystem: "new" }, endpoints));
    }
    await until(() => systems().every((system) => system === "new"));

    services[0].hello = async () => ({});
    services[0].snapshot = snapshot;
    await vi.advanceTimersByTimeAsync(500);
    await until(() => registry.services[0]?.status.phase === "connected");
    services[0].watch.send(...last);
    services[0].watch.send(listed("last"));
    await until(() => known.has("last"));
    expect(systems()).toEqual(["new", "new"]);
    expect(known.size).toBe(1001);
  });
});

describe("any history of two services", () => {
  const NODES = ["a", "b"];
  const anySaid = fc.record({
    content: fc.constantFrom("x", "y", "z"),
    endpoints: fc.subarray(["10.0.0.1:1", "10.0.0.2:2"]),
  });
  const anyAct = fc.record({
    service: fc.constantFrom(0 as const, 1 as const),
    nodeId: fc.constantFrom(...NODES),
    // Nothing to say of a node is its end; `flip` breaks what works, and mends what does not.
    said: fc.option(anySaid, { nil: undefined }),
    flip: fc.integer({ min: 0, max: 3 }).map((number) => number === 0),
  });
  type Act = typeof anyAct extends fc.Arbitrary<infer T> ? T : never;

  /** Plays services, and writes down what a client must have heard of them. */
  class Play {
    readonly history: HistoryStep[] = [];
    readonly #lists = [new Map<string, Said>(), new Map<string, Said>()] as const;
    readonly #works = [true, true];

    async begin(): Promise<void> {
      await startConnected();
      for (const service of [0, 1]) {
        this.history.push({ kind: "connect", service, list: new Map() });
      }
    }

    async act({ service, nodeId, said, flip }: Act): Promise<void> {
      if (!flip) await this.#say(service, nodeId, said);
      else if (this.#works[service]) await this.#break(service);
      else await this.#mend(service);
      await until(() => this.#isAsExpected());
    }

    async #say(service: 0 | 1, nodeId: string, said: Said | undefined): Promise<void> {
      const list = this.#lists[service];
      if (said === undefined) list.delete(nodeId);
      else list.set(nodeId, said);
      if (!this.#works[service]) return;
      const { watch } = services[service];
      if (said === undefined) watch.sendDeleted(nodeId);
      else watch.send(listed(nodeId, { hostname: said.content }, said.endpoints));
      this.history.push({ kind: "change", service, nodeId, said });
      await this.#heard(service);
    }

    /** What a service said may show in nothing, and must be heard before the other one speaks. */
    async #heard(service: 0 | 1): Promise<void> {
      const mark = `mark of ${service}`;
      const { watch } = services[service];
      watch.send(listed(mark));
      await until(() => known.has(mark));
      watch.sendDeleted(mark);
      await until(() => !known.has(mark));
      const step = { kind: "change", service, nodeId: mark } as const;
      this.history.push({ ...step, said: { content: "", endpoints: [] } });
      this.history.push({ ...step, said: undefined });
    }

    async #break(service: 0 | 1): Promise<void> {
      this.#works[service] = false;
      services[service].hello = async () => Promise.reject(unavailable());
      services[service].watch.fail(unavailable());
      await until(() => registry.services[service]?.status.phase === "waiting");
      this.history.push({ kind: "lose", service });
    }

    async #mend(service: 0 | 1): Promise<void> {
      this.#works[service] = true;
      const list = this.#lists[service];
      services[service].snapshot = [...list].map(([nodeId, { content, endpoints }]) =>
        listed(nodeId, { hostname: content }, endpoints),
      );
      services[service].hello = async () => ({});
      // No wait is longer.
      await vi.advanceTimersByTimeAsync(60_000);
      await until(() => registry.services[service]?.status.phase === "connected");
      this.history.push({ kind: "connect", service, list: new Map(list) });
      await this.#heard(service);
    }

    #isAsExpected(): boolean {
      return NODES.every((nodeId) => {
        const answer = naiveAnswer(this.history, nodeId, 2);
        const affiliate = known.get(nodeId);
        const endpoints = [...endpointsOf(nodeId)].sort();
        return affiliate === undefined || answer === undefined
          ? affiliate === answer
          : affiliate.hostname === answer.content &&
              JSON.stringify(endpoints) === JSON.stringify(answer.endpoints);
      });
    }
  }

  test("through clients gives what the slow twin reads off the history", async () => {
    await fc.assert(
      fc
        .asyncProperty(
          fc.array(anyAct, { minLength: 5, maxLength: 30, size: "max" }),
          async (acts) => {
            const play = new Play();
            await play.begin();
            for (const act of acts) await play.act(act);
          },
        )
        .beforeEach(setUp)
        .afterEach(async () => {
          stop.abort();
          await running;
        }),
      { numRuns: 100 },
    );
  });
});
