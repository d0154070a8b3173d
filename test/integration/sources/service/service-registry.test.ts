import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DropReport } from "../../../../src/client/index.ts";
import {
  Discovery,
  type RegistryChange,
  ServiceRegistry,
  type ServiceRegistryOptions,
} from "../../../../src/discovery/index.ts";
import { generateNodeId } from "../../../../src/identity/index.ts";
import { grpcTransport } from "../../../../src/node/index.ts";
import { type AffiliateSpec, createAffiliateSpec } from "../../../../src/resources/index.ts";
import { startSilence } from "../../../harness/net/silent-server.ts";
import {
  CLUSTER_SECRET as FAKE_SECRET,
  FakeService,
  never,
  unavailable,
} from "../../../harness/service/fake-service.ts";
import {
  CLUSTER_ID,
  CLUSTER_SECRET,
  LoopbackService,
} from "../../../harness/service/loopback-service.ts";

const NODE_ID = generateNodeId();
const OTHER_ID = generateNodeId();
const NOBODY = "http://127.0.0.1:1";

function other(hostname: string, ...endpoints: string[]): AffiliateSpec {
  return createAffiliateSpec({ nodeId: OTHER_ID, hostname, endpoints });
}

const LOCAL = createAffiliateSpec({ nodeId: NODE_ID, hostname: "local", nodename: "local" });

let first: LoopbackService;
let second: LoopbackService;
let stop: AbortController;
let running: Promise<void>;

beforeEach(async () => {
  first = await LoopbackService.start();
  second = await LoopbackService.start();
  stop = new AbortController();
  running = Promise.resolve();
});

afterEach(async () => {
  stop.abort();
  await running;
  await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose]()]);
});

function create(options: Partial<ServiceRegistryOptions> = {}): ServiceRegistry {
  return new ServiceRegistry({
    services: [first.url, { name: "the second", url: second.url }],
    transport: grpcTransport,
    clusterId: CLUSTER_ID,
    clusterSecret: CLUSTER_SECRET,
    nodeId: NODE_ID,
    random: () => 0,
    ...options,
  });
}

function start(options?: Partial<ServiceRegistryOptions>): ServiceRegistry {
  const registry = create(options);
  running = registry.run({ signal: stop.signal });
  return registry;
}

async function startSettled(options?: Partial<ServiceRegistryOptions>): Promise<ServiceRegistry> {
  const registry = start(options);
  await registry.settled();
  return registry;
}

/** Collects what is told of affiliates from the snapshot on. */
async function follow(registry: ServiceRegistry): Promise<RegistryChange[]> {
  const told: RegistryChange[] = [];
  const snapshot = Promise.withResolvers<void>();
  void (async () => {
    for await (const change of registry.watch({ signal: stop.signal })) {
      if (change.kind === "snapshot") snapshot.resolve();
      else if (change.kind !== "status") told.push(change);
    }
  })();
  await snapshot.promise;
  return told;
}

function hostname(registry: ServiceRegistry): string | undefined {
  return registry.affiliates.get(OTHER_ID)?.hostname;
}

test("a service's raw IDs are service/ and the node ID", () => {
  expect(create().name).toBe("service");
});

describe("a registry of several services", () => {
  test("knows the union of what they list, and the union of endpoints", async () => {
    const third = createAffiliateSpec({ nodeId: generateNodeId(), hostname: "third" });
    first.put(other("other", "10.0.0.1:51820"));
    second.put(other("other", "10.0.0.2:51820"));
    second.put(third);
    const registry = await startSettled();
    expect(registry.affiliates.get(OTHER_ID)).toEqual(
      other("other", "10.0.0.1:51820", "10.0.0.2:51820"),
    );
    expect(registry.affiliates.get(third.nodeId)).toEqual(third);
  });

  test("takes the data of the service that changed it last, and what a stale one has for nothing new", async () => {
    for (const service of [first, second]) service.put(other("old"));
    const registry = await startSettled();
    const told = await follow(registry);
    second.put(other("new"));
    await expect.poll(() => hostname(registry)).toBe("new");
    // It comes back with what it had: the node could not tell it.
    await first.stop();
    await expect.poll(() => registry.services[0]?.status.phase).toBe("waiting");
    await first.startAgain();
    await expect.poll(() => registry.services[0]?.status.phase).toBe("connected");
    first.put(createAffiliateSpec({ nodeId: generateNodeId(), hostname: "news of the first" }));
    await expect.poll(() => registry.affiliates.size).toBe(2);
    expect(hostname(registry)).toBe("new");
    expect(told.map((change) => change.kind)).toEqual(["updated", "updated"]);
  });

  test("loses nobody, and tells nothing, when one is stopped and started again, even if it forgot all", async () => {
    for (const service of [first, second]) service.put(other("other", "10.0.0.1:51820"));
    const registry = await startSettled();
    registry.publish({ affiliate: LOCAL });
    await registry.flush();
    const told = await follow(registry);
    for (const forgets of [false, true]) {
      for (const [number, service] of [first, second].entries()) {
        await service.stop();
        await expect.poll(() => registry.services[number]?.status.phase).toBe("waiting");
        expect(registry.status.phase).toBe("connected");
        await service.startAgain({ forgets });
        await expect.poll(() => registry.services[number]?.status.phase).toBe("connected");
        // The local node registers again by itself; the other one is played by the test.
        await expect.poll(() => service.get(NODE_ID)?.hostname).toBe("local");
        service.put(other("other", "10.0.0.1:51820"));
      }
    }
    expect(hostname(registry)).toBe("other");
    expect(told).toEqual([]);
  });

  test("keeps what is known while none answers, and loses what none lists any more", async () => {
    for (const service of [first, second]) service.put(other("other"));
    const registry = await startSettled();
    await Promise.all([first.stop(), second.stop()]);
    await expect.poll(() => registry.status.phase).toBe("waiting");
    expect(hostname(registry)).toBe("other");
    first.delete(OTHER_ID);
    await first.startAgain();
    await expect.poll(() => registry.affiliates.size).toBe(0);
    second.delete(OTHER_ID);
    await second.startAgain();
  });

  test("publishes to all and withdraws from all, from one that was away when it is back", async () => {
    const registry = await startSettled();
    registry.publish({ affiliate: { ...LOCAL, kubespan: other("", "10.0.0.9:51820").kubespan } });
    await registry.flush();
    for (const service of [first, second]) {
      expect(service.get(NODE_ID)?.kubespan?.endpoints).toEqual(["10.0.0.9:51820"]);
    }
    await second.stop();
    await expect.poll(() => registry.services[1]?.status.phase).toBe("waiting");
    registry.withdraw();
    await registry.flush();
    expect(first.get(NODE_ID)).toBeUndefined();
    await second.startAgain();
    await registry.services[1]?.flush();
    expect(second.get(NODE_ID)).toBeUndefined();
  });

  test.each([
    ["a public key", { publicKey: "mesh-key" }],
    ["an address in the mesh", { address: "fd00::1" }],
    ["a network", { additionalAddresses: ["10.244.0.0/24"] }],
    ["a network that is left out", { excludeAdvertisedNetworks: ["10.1.0.0/16"] }],
  ])("publishes a mesh of which %s is all that is known", async (_, kubespan) => {
    const registry = await startSettled({ services: [first.url] });
    const affiliate = createAffiliateSpec({ ...LOCAL, kubespan });
    registry.publish({ affiliate });
    await registry.flush();
    expect(first.get(NODE_ID)).toEqual(affiliate);
  });

  test("publishes nothing of a mesh besides its endpoints where nothing else is known", async () => {
    const registry = await startSettled({ services: [first.url] });
    const endpoints = ["10.0.0.9:51820"];
    registry.publish({ affiliate: createAffiliateSpec({ ...LOCAL, endpoints }) });
    await registry.flush();
    expect(first.data(NODE_ID)?.kubespan).toBeUndefined();
    expect(first.get(NODE_ID)?.kubespan?.endpoints).toEqual(endpoints);
  });

  test("tells every service where others were seen, beside what they say themselves", async () => {
    for (const service of [first, second]) service.put(other("other", "10.0.0.1:51820"));
    const registry = create();
    const discovery = new Discovery({ registries: [registry], nodeId: NODE_ID });
    running = discovery.run({ signal: stop.signal });
    discovery.publish({
      affiliate: LOCAL,
      otherEndpoints: [{ nodeId: OTHER_ID, endpoints: ["192.0.2.7:4000"] }],
    });
    await Promise.all(registry.services.map((service) => service.flush()));
    const endpoints = ["10.0.0.1:51820", "192.0.2.7:4000"];
    for (const service of [first, second]) {
      expect(service.get(OTHER_ID)).toEqual(other("other", ...endpoints));
    }
    const seen = () => discovery.state.affiliates.get(OTHER_ID)?.spec.kubespan?.endpoints;
    await expect.poll(seen).toEqual(endpoints);
  });

  test("publishes nothing anywhere of what one would refuse", async () => {
    const registry = await startSettled();
    const bad = { ...LOCAL, addresses: ["nowhere"] };
    expect(() => registry.publish({ affiliate: bad })).toThrow("nowhere");
    expect(() => registry.publish({ affiliate: other("other") })).toThrow(TypeError);
    await registry.flush();
    expect([first.get(NODE_ID), second.get(NODE_ID)]).toEqual([undefined, undefined]);
  });

  test("tells which service failed, and whose affiliate did not open", async () => {
    const failed: string[] = [];
    const dropped: [DropReport["reason"], string][] = [];
    second.put(other("other"));
    await startSettled({
      services: [NOBODY, { name: "the second", url: second.url }],
      clusterSecret: "hHXcBoKBUyuMkdaj2Srbp1QYxiIWJEvQUsUJJFwGfIk=",
      onRetry: (error, _, { name }) => failed.push(`${name}: ${error.code}`),
      onDrop: ({ reason }, { name }) => dropped.push([reason, name]),
    });
    expect(failed).toContain("127.0.0.1:1: ERR_SERVICE_UNAVAILABLE");
    expect(dropped).toEqual([["affiliate_tag_mismatch", "the second"]]);
  });
});

describe("flush", () => {
  test("does not wait for a service that fails, and waits for one that may still answer", async () => {
    const failing = start({ services: [NOBODY, second.url] });
    failing.publish({ affiliate: LOCAL });
    await failing.flush();
    expect(second.get(NODE_ID)?.hostname).toBe("local");
    expect(failing.services[0]?.status.lastError?.code).toBe("ERR_SERVICE_UNAVAILABLE");

    const hopeful = create({ services: [await startSilence(), second.url] });
    const own = new AbortController();
    const ended = hopeful.run({ signal: own.signal });
    hopeful.publish({ affiliate: LOCAL });
    await hopeful.services[1]?.flush();
    await expect(hopeful.flush({ signal: AbortSignal.timeout(50) })).rejects.toThrow("timeout");
    own.abort();
    await ended;
  });

  test("waits while no service has accepted", async () => {
    const registry = start({ services: [NOBODY, "http://127.0.0.1:2"] });
    registry.publish({ affiliate: LOCAL });
    await registry.settled();
    await expect(registry.flush({ signal: AbortSignal.timeout(50) })).rejects.toThrow("timeout");
  });

  test("of nothing resolves at once", async () => {
    await create().flush();
  });
});

describe("where it stands", () => {
  test("is connected when any service is, without an error; else it says what failed", async () => {
    const registry = create({ services: [NOBODY, second.url] });
    const source = `${NOBODY}, ${second.url}`;
    expect(registry.status).toEqual({ phase: "stopped", source });
    running = registry.run({ signal: stop.signal });
    expect(registry.status).toEqual({ phase: "connecting", source });
    await registry.settled();
    expect(registry.status).toEqual({ phase: "connected", source });
    await second.stop();
    await expect.poll(() => registry.status.phase).toBe("waiting");
    expect(registry.status.lastError?.message).toContain(NOBODY);
    stop.abort();
    await running;
    expect(registry.status.phase).toBe("stopped");
    await second.startAgain();
  });

  test("has no error while a service may still answer for the first time", async () => {
    const registry = start({ services: [NOBODY, await startSilence()] });
    await expect.poll(() => registry.services[0]?.status.phase).toBe("waiting");
    expect(registry.status.phase).toBe("connecting");
    expect(registry.status.lastError).toBeUndefined();
  });

  test("names each service, by host and port where it has no other name, and none with a password", () => {
    const registry = create({
      services: ["https://user:password@discovery.example/", { name: "b", url: "http://b:3000" }],
    });
    expect(registry.services.map(({ name, url }) => [name, url])).toEqual([
      ["discovery.example:443", "https://discovery.example:443"],
      ["b", "http://b:3000"],
    ]);
    expect(registry.status.source).not.toContain("password");
  });

  test("counts a service that is named twice once, and needs one", () => {
    expect(create({ services: [first.url, `${first.url}/`] }).services).toHaveLength(1);
    expect(() => create({ services: [] })).toThrow(RangeError);
  });

  test("has the public address that a connected service sees, before that of one that is lost", async () => {
    const fakes = [1, 2].map((host) => {
      const fake = new FakeService();
      fake.hello = async () => ({ clientIp: new Uint8Array([192, 0, 2, host]) });
      return [`http://fake-${host}:80`, fake] as const;
    });
    const [[, lost], [, kept]] = fakes as [(typeof fakes)[0], (typeof fakes)[0]];
    const registry = await startSettled({
      services: fakes.map(([url]) => url),
      transport: (url) => (new Map<string, FakeService>(fakes).get(url) as FakeService).transport(),
      clusterSecret: FAKE_SECRET,
    });
    expect(registry.publicAddress).toBe("192.0.2.1");
    lost.hello = never;
    lost.watch.fail(unavailable());
    await expect.poll(() => registry.publicAddress).toBe("192.0.2.2");
    kept.hello = never;
    kept.watch.fail(unavailable());
    await expect.poll(() => registry.publicAddress).toBe("192.0.2.1");
  });

  test("has the public address that a service sees", async () => {
    const registry = create();
    expect(registry.publicAddress).toBeUndefined();
    running = registry.run({ signal: stop.signal });
    await registry.settled();
    expect(registry.publicAddress).toBe("127.0.0.1");
  });

  test("run twice is a mistake; disposal ends it, and every watch", async () => {
    const registry = await startSettled();
    const watch = registry.watch();
    await watch.next();
    await expect(registry.run()).rejects.toThrow(TypeError);
    await registry[Symbol.asyncDispose]();
    await running;
    let last = await watch.next();
    while (!last.done) last = await watch.next();
  });
});
