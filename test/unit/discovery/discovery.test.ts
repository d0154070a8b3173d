/**
 * Registries side by side.
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { untilAborted } from "../../../src/async/waits.ts";
import { Discovery, type DiscoveryOptions } from "../../../src/discovery/discovery.ts";
import type { DiscoveryChange } from "../../../src/discovery/discovery-change.ts";
import { DiscoveryError } from "../../../src/errors.ts";
import { createAffiliateSpec } from "../../../src/resources/affiliate.ts";
import type { RegistryChange } from "../../../src/sources/discovery-registry.ts";
import { StaticRegistry } from "../../../src/sources/static/static-registry.ts";
import { ScriptedRegistry } from "./scripted-registry.ts";

const LOCAL = "Local";
const node = (nodeId: string, addresses: string[] = []) =>
  createAffiliateSpec({ nodeId, nodename: `node-${nodeId}`, addresses });

let abort = new AbortController();
let runs: Promise<void>[] = [];
let delays: number[] = [];
beforeEach(() => {
  abort = new AbortController();
  runs = [];
  delays = [];
});
afterEach(async () => {
  abort.abort();
  await Promise.all(runs);
});

/** Runs until the test ends, and waits for nothing after a failure. */
function start(options: DiscoveryOptions): Discovery {
  const discovery = new Discovery({
    random: () => 0.5,
    sleep: (ms) => {
      delays.push(ms);
      return new Promise((resolve) => setImmediate(resolve));
    },
    ...options,
  });
  runs.push(discovery.run({ signal: abort.signal }));
  return discovery;
}

function shown(change: DiscoveryChange): string {
  if (change.kind === "status") return `${change.registry} ${change.status.phase}`;
  if (change.kind === "snapshot") return `snapshot ${[...change.state.affiliates.keys()]}`;
  return change.events
    .map(({ event, resource: { metadata } }) => `${event} ${metadata.namespace}/${metadata.id}`)
    .join(", ");
}

/** Everything told, in words; grows while the test goes on. */
function follow(discovery: Discovery): string[] {
  const told: string[] = [];
  runs.push(
    (async () => {
      for await (const change of discovery.watch({ signal: abort.signal }))
        told.push(shown(change));
    })(),
  );
  return told;
}

describe("two registries", () => {
  test("keep their own shares under their names, and show one merged affiliate and member", async () => {
    const k8s = new ScriptedRegistry("k8s");
    const service = new ScriptedRegistry("service");
    k8s.feed.replace([node("A", ["10.0.0.1"])]);
    service.feed.replace([node("A", ["fd00::1"]), node("B")]);
    const { state, settled } = withSettled(start({ registries: [service, k8s] }));
    await settled;
    expect([...state.rawAffiliates.keys()].sort()).toEqual(["k8s/A", "service/A", "service/B"]);
    expect(state.affiliates.get("A")?.spec.addresses).toEqual(["10.0.0.1", "fd00::1"]);
    expect(state.affiliates.get("A")?.metadata.version).toBe(2);
    expect([...state.members.keys()].sort()).toEqual(["node-A", "node-B"]);
  });

  test("tell each change once, raw affiliates before affiliates before members", async () => {
    const k8s = new ScriptedRegistry("k8s");
    const service = new ScriptedRegistry("service");
    for (const { feed } of [k8s, service]) feed.replace([node("A")]);
    const discovery = start({ registries: [service, k8s] });
    const told = follow(discovery);
    await discovery.settled();
    await expect.poll(() => told).toContain("snapshot A");
    told.length = 0;
    service.feed.set(node("B"));
    await expect.poll(() => told).toHaveLength(1);
    k8s.feed.set(node("A", ["10.0.0.1"]));
    await expect.poll(() => told).toHaveLength(2);
    service.feed.delete("A");
    k8s.feed.delete("A");
    await expect.poll(() => told.join()).toContain("destroyed cluster/A");
    expect(told.slice(0, 2)).toEqual([
      "created cluster-raw/service/B, created cluster/B, created cluster/node-B",
      "updated cluster-raw/k8s/A, updated cluster/A, updated cluster/node-A",
    ]);
    expect(discovery.state.affiliates.get("A")).toBeUndefined();
  });

  test("one that loses a node takes only its share", async () => {
    const k8s = new ScriptedRegistry("k8s");
    const service = new ScriptedRegistry("service");
    k8s.feed.replace([node("A", ["10.0.0.1"])]);
    service.feed.replace([node("A", ["fd00::1"])]);
    const { state, settled } = withSettled(start({ registries: [service, k8s] }));
    await settled;
    service.feed.delete("A");
    await expect.poll(() => state.affiliates.get("A")?.spec.addresses).toEqual(["10.0.0.1"]);
    expect([...state.rawAffiliates.keys()]).toEqual(["k8s/A"]);
  });

  test("must have names of their own, which are fit for one", () => {
    const registry = (name: string) => new ScriptedRegistry(name);
    expect(() => new Discovery({ registries: [registry("a"), registry("a")] })).toThrow(TypeError);
    expect(() => new Discovery({ registries: [registry("")] })).toThrow(TypeError);
    expect(() => new Discovery({ registries: [registry("a/b")] })).toThrow(TypeError);
  });
});

describe("the local node", () => {
  test("is shown as it publishes itself, never as a registry has it", async () => {
    const service = new ScriptedRegistry("service");
    service.feed.replace([node(LOCAL, ["192.0.2.66"]), node("A")]);
    const discovery = start({ registries: [service], nodeId: LOCAL });
    await discovery.settled();
    expect([...discovery.state.affiliates.keys()]).toEqual(["A"]);
    discovery.publish({ affiliate: node(LOCAL, ["10.0.0.9"]) });
    expect(discovery.state.affiliates.get(LOCAL)?.spec.addresses).toEqual(["10.0.0.9"]);
    expect(discovery.state.members.has(`node-${LOCAL}`)).toBe(true);
    expect([...discovery.state.rawAffiliates.keys()]).toEqual(["service/A"]);
    discovery.withdraw();
    expect(discovery.state.affiliates.has(LOCAL)).toBe(false);
  });

  test("is taken as it is when it is published, whatever becomes of the caller's object", () => {
    const service = new ScriptedRegistry("service");
    const discovery = new Discovery({ registries: [service], nodeId: LOCAL });
    const addresses = ["10.0.0.9"];
    const { nodeId, ...rest } = node(LOCAL);
    discovery.publish({ affiliate: { ...rest, nodeId, addresses } });
    addresses.push("10.0.0.10");
    const { affiliates } = discovery.state;
    expect(affiliates.get(LOCAL)?.spec.addresses).toEqual(["10.0.0.9"]);
    expect(service.published[0]?.affiliate.addresses).toEqual(["10.0.0.9"]);
    discovery.publish({ affiliate: { nodeId, ...rest, addresses: ["10.0.0.9"] } });
    expect(affiliates.get(LOCAL)?.metadata.version).toBe(1);
    const nonsense = { nodeId, addresses: "10.0.0.9" } as unknown as typeof rest & {
      nodeId: string;
    };
    expect(() => discovery.publish({ affiliate: nonsense })).toThrow(TypeError);
    expect(affiliates.get(LOCAL)?.metadata.version).toBe(1);
  });

  test("is told to every registry that takes it, whichever refuses", () => {
    const refusing = new ScriptedRegistry("refusing");
    refusing.publish = () => {
      throw new DiscoveryError("ERR_AFFILIATE_DATA_TOO_BIG", "too big");
    };
    const service = new ScriptedRegistry("service");
    const onlyRead = new StaticRegistry({ affiliates: [] });
    const discovery = new Discovery({
      registries: [refusing, onlyRead, service],
      nodeId: LOCAL,
    });
    const local = { affiliate: node(LOCAL) };
    expect(() => discovery.publish(local)).toThrow("too big");
    discovery.withdraw();
    expect(service.published).toEqual([local, undefined]);
  });

  test("has to be named, and to be the one that is published", () => {
    expect(() => new Discovery({ registries: [] }).publish({ affiliate: node("A") })).toThrow(
      TypeError,
    );
    const discovery = new Discovery({ registries: [], nodeId: LOCAL });
    expect(() => discovery.publish({ affiliate: node("A") })).toThrow(TypeError);
  });

  test("is flushed when every registry has accepted it", async () => {
    const accepted = Promise.withResolvers<void>();
    const slow = Object.assign(new ScriptedRegistry("slow"), { flush: () => accepted.promise });
    const quick = Object.assign(new ScriptedRegistry("quick"), { flush: async () => {} });
    const discovery = start({ registries: [quick, slow, new ScriptedRegistry("none")] });
    let isFlushed = false;
    const flushed = discovery.flush().then(() => {
      isFlushed = true;
    });
    await discovery.flush({ signal: AbortSignal.abort(new Error("enough")) }).catch((error) => {
      expect(error.message).toBe("enough");
    });
    expect(isFlushed).toBe(false);
    accepted.resolve();
    await flushed;
  });
});

describe("a registry that fails", () => {
  const healthy = () => {
    const registry = new ScriptedRegistry("service");
    registry.feed.replace([node("A")]);
    return registry;
  };
  const broken = (change: (registry: ScriptedRegistry) => void) => {
    const registry = new ScriptedRegistry("k8s");
    registry.feed.replace([node("B")]);
    change(registry);
    return registry;
  };
  const failing: Record<string, (registry: ScriptedRegistry) => void> = {
    "whose run rejects": (registry) => {
      registry.onRun = () => Promise.reject(new Error("broken"));
    },
    "whose run throws": (registry) => {
      registry.onRun = () => {
        throw new Error("broken");
      };
    },
    "whose run ends by itself": (registry) => {
      registry.onRun = () => Promise.resolve();
    },
    "whose watch throws at once": (registry) => {
      registry.onWatch = () => {
        throw new Error("broken");
      };
    },
    "whose watch throws": (registry) => {
      registry.onWatch = async function* () {
        yield { kind: "snapshot", affiliates: [node("B")] };
        throw new Error("broken");
      };
    },
    "whose watch ends by itself": (registry) => {
      registry.onWatch = async function* () {
        yield { kind: "snapshot", affiliates: [node("B")] };
      };
    },
    "whose watch is none": (registry) => {
      registry.onWatch = () => ({}) as AsyncIterable<RegistryChange>;
    },
    ...Object.fromEntries(
      [
        null,
        7,
        "text",
        {},
        { kind: "reset" },
        { kind: "snapshot" },
        { kind: "snapshot", affiliates: "all" },
        { kind: "deleted" },
        { kind: "status", status: { phase: "fine" } },
        { kind: "status", status: { phase: "waiting", source: "", lastError: "broken" } },
      ].map((change) => [
        `that tells ${JSON.stringify(change)}`,
        (registry: ScriptedRegistry) => {
          registry.onWatch = async function* () {
            yield change as unknown as RegistryChange;
          };
        },
      ]),
    ),
  };

  test.each(Object.entries(failing))(
    "%s hides nothing of the others, is told by its status, and is tried again",
    async (_how, change) => {
      const registry = broken(change);
      const discovery = start({ registries: [registry, healthy()] });
      await discovery.settled();
      await expect.poll(() => registry.runs).toBeGreaterThan(2);
      expect(discovery.statuses.get("k8s")).toMatchObject({
        source: "k8s.test",
        lastError: {
          code: "ERR_REGISTRY_FAILED",
          message: expect.stringMatching(/^registry k8s: /),
        },
      });
      expect(registry.running).toBeLessThan(2);
      expect([...discovery.state.rawAffiliates.keys()]).toContain("service/A");
      expect(discovery.statuses.get("service")?.lastError).toBeUndefined();
    },
  );

  test("is tried after growing waits, and soon again after it has answered", async () => {
    const registry = new ScriptedRegistry("k8s");
    const crash = Promise.withResolvers<void>();
    registry.onRun = () => {
      if (registry.runs === 5) return crash.promise;
      return registry.runs < 5 ? Promise.reject(new Error("broken")) : untilAborted(abort.signal);
    };
    const discovery = start({ registries: [registry] });
    await expect.poll(() => registry.runs).toBe(5);
    registry.feed.replace([node("B")]);
    await expect.poll(() => discovery.state.affiliates.size).toBe(1);
    crash.reject(new Error("broken"));
    await expect.poll(() => registry.runs).toBe(6);
    expect(delays).toEqual([500, 750, 1125, 1688, 500]);
  });

  test("keeps what it knew, and when it is back only what is different is a change", async () => {
    const crash = Promise.withResolvers<void>();
    const registry = broken((one) => {
      one.onRun = (signal) => (one.runs === 1 ? crash.promise : untilAborted(signal));
    });
    registry.feed.replace([node("B"), node("C")]);
    const discovery = start({ registries: [registry] });
    const told = follow(discovery);
    await expect.poll(() => told.some((line) => line.startsWith("snapshot"))).toBe(true);
    const before = discovery.state.affiliates.get("B");
    registry.feed.delete("C");
    await expect.poll(() => discovery.state.affiliates.has("C")).toBe(false);
    told.length = 0;
    crash.reject(new Error("crashed"));
    await expect.poll(() => registry.runs).toBe(2);
    registry.feed.set(node("D"));
    await expect.poll(() => told.join()).toContain("created cluster/D");
    expect(told.join()).not.toContain("cluster/B");
    expect(discovery.state.affiliates.get("B")).toBe(before);
  });

  test("is no failing one any more when it has answered, also where it tells of no status", async () => {
    const registry = broken((one) => {
      one.feed.setStatus({ phase: "connected", source: "k8s.test" });
      one.onWatch = async function* (signal) {
        if (one.runs === 1) throw new Error("broken");
        yield { kind: "snapshot", affiliates: [node("B")] };
        await untilAborted(signal);
      };
    });
    const discovery = start({ registries: [registry] });
    await expect.poll(() => discovery.state.affiliates.has("B")).toBe(true);
    expect(delays).toHaveLength(1);
    expect(discovery.statuses.get("k8s")).toEqual({ phase: "connected", source: "k8s.test" });
  });

  test("whose status is nonsense is told to wait", () => {
    const registry = broken(() => {});
    Object.defineProperty(registry, "status", { value: "well" });
    const discovery = new Discovery({ registries: [registry] });
    expect(discovery.statuses.get("k8s")).toMatchObject({
      phase: "waiting",
      lastError: { code: "ERR_REGISTRY_FAILED" },
    });
  });

  const oddities: Record<string, unknown> = {
    "is null": null,
    "is text": "A",
    "has no ID": { ...node("X"), nodeId: "" },
    "has a number for an address": { ...node("X"), addresses: [1] },
    "has text for addresses": { ...node("X"), addresses: "10.0.0.1" },
    "lacks a name": { ...node("X"), hostname: undefined },
    "has a mesh of text": { ...node("X"), kubespan: "yes" },
    "has a mesh without lists": { ...node("X"), kubespan: { publicKey: "", address: "" } },
    "has a port of text": { ...node("X"), controlPlane: { port: "6443" } },
  };

  test.each(Object.entries(oddities))(
    "to tell an affiliate, since it %s, is told by the status, and the others are known",
    async (_why, odd) => {
      const registry = broken((one) => {
        one.onWatch = async function* (signal) {
          yield { kind: "snapshot", affiliates: [node("B"), odd as never] };
          yield { kind: "updated", affiliate: odd as never };
          yield { kind: "updated", affiliate: node("C") };
          await untilAborted(signal);
        };
      });
      const discovery = start({ registries: [registry] });
      await expect.poll(() => [...discovery.state.affiliates.keys()]).toEqual(["B", "C"]);
      expect(discovery.statuses.get("k8s")?.lastError).toMatchObject({
        code: "ERR_REGISTRY_FAILED",
      });
      expect(registry.runs).toBe(1);
    },
  );
});

describe("settled and snapshot", () => {
  test("settled waits until each has answered or failed; the snapshot comes with the first answer", async () => {
    const [slow, quick, failing] = ["slow", "quick", "failing"].map(
      (name) => new ScriptedRegistry(name),
    ) as [ScriptedRegistry, ScriptedRegistry, ScriptedRegistry];
    const discovery = start({ registries: [slow, quick, failing] });
    const told = follow(discovery);
    let isSettled = false;
    const settled = discovery.settled().then(() => {
      isSettled = true;
    });
    quick.feed.replace([node("A")]);
    await expect.poll(() => told).toContain("snapshot A");
    expect(isSettled).toBe(false);
    const lastError = new DiscoveryError("ERR_SERVICE_UNAVAILABLE", "down");
    failing.feed.setStatus({ phase: "waiting", source: "x", lastError });
    await expect.poll(() => discovery.statuses.get("failing")?.lastError).toBe(lastError);
    expect(isSettled).toBe(false);
    slow.feed.replace([]);
    await settled;
    await discovery.settled();
  });

  test("settled waits for each part of a registry, and has what it said in the state", async () => {
    const service = new ScriptedRegistry("service");
    const secondPart = Promise.withResolvers<void>();
    const registry = Object.assign(service, { settled: () => secondPart.promise });
    const discovery = start({ registries: [registry] });
    let isSettled = false;
    const settled = discovery.settled().then(() => {
      isSettled = true;
      return [...discovery.state.affiliates.keys()];
    });
    service.feed.replace([node("A")]);
    await expect.poll(() => discovery.state.affiliates.size).toBe(1);
    expect(isSettled).toBe(false);
    service.feed.set(node("B"));
    secondPart.resolve();
    expect(await settled).toEqual(["A", "B"]);
  });

  test("a registry whose parts fail to settle holds nobody up", async () => {
    const service = new ScriptedRegistry("service");
    const registry = Object.assign(service, { settled: () => Promise.reject(new Error("broken")) });
    service.feed.replace([node("A")]);
    await start({ registries: [registry] }).settled();
  });

  test("without registries there is nothing to wait for", async () => {
    const discovery = start({ registries: [] });
    await discovery.settled();
    const { value } = await discovery.watch({ signal: abort.signal }).next();
    expect(value?.kind).toBe("snapshot");
  });

  test("settled rejects with the reason of its signal", async () => {
    const discovery = start({ registries: [new ScriptedRegistry("slow")] });
    const reason = new Error("enough");
    await expect(discovery.settled({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test("times are told of what was seen to happen, not of what was there", async () => {
    const service = new ScriptedRegistry("service");
    service.feed.replace([node("A")]);
    const now = () => Date.UTC(2026, 0, 1);
    const discovery = start({ registries: [service], now });
    await discovery.settled();
    service.feed.set(node("B"));
    await expect.poll(() => discovery.state.affiliates.size).toBe(2);
    expect(discovery.state.affiliates.get("A")?.metadata.created).toBeUndefined();
    expect(discovery.state.affiliates.get("B")?.metadata.created).toBe("2026-01-01T00:00:00.000Z");
  });
});

describe("a life", () => {
  test("each status is told, the last is stopped, and what was known stays known", async () => {
    const registry = new StaticRegistry({ affiliates: [node("A")] });
    const discovery = new Discovery({ registries: [registry] });
    const told = follow(discovery);
    await expect.poll(() => told).toEqual(["static stopped"]);
    const run = new AbortController();
    const running = discovery.run({ signal: run.signal });
    await expect.poll(() => told).toContain("snapshot A");
    run.abort();
    await running;
    await expect.poll(() => told.at(-1)).toBe("static stopped");
    expect(told).toContain("static connected");
    expect(discovery.state.members.has("node-A")).toBe(true);
  });

  test("each status is told once, also where a registry makes the same anew", async () => {
    const registry = new ScriptedRegistry("service");
    registry.feed.setStatus({ phase: "connected", source: "service.test" });
    Object.defineProperty(registry, "status", { get: () => ({ ...registry.feed.status }) });
    const discovery = start({ registries: [registry] });
    const told = follow(discovery);
    await expect.poll(() => told).toContain("service connected");
    registry.feed.replace([node("A")]);
    await expect.poll(() => told.at(-1)).toBe("snapshot A");
    registry.feed.set(node("B"));
    await expect.poll(() => told.at(-1)).toContain("created cluster/B");
    expect(told.filter((line) => line === "service connected")).toHaveLength(1);
  });

  test("it runs once at a time, may run again, and finds what has changed", async () => {
    const registry = new StaticRegistry({ affiliates: [node("A")] });
    const discovery = new Discovery({ registries: [registry] });
    const first = new AbortController();
    const running = discovery.run({ signal: first.signal });
    await expect(discovery.run()).rejects.toThrow(TypeError);
    await discovery.settled();
    first.abort();
    await running;
    registry.replace([node("B")]);
    runs.push(discovery.run({ signal: abort.signal }));
    await expect.poll(() => [...discovery.state.affiliates.keys()]).toEqual(["B"]);
  });

  test("disposal stops run and ends every watch and wait", async () => {
    const registry = new ScriptedRegistry("service");
    const discovery = new Discovery({ registries: [registry] });
    const running = discovery.run();
    const told = follow(discovery);
    const settled = expect(discovery.settled()).rejects.toThrow("disposed");
    await expect.poll(() => registry.running).toBe(1);
    await discovery[Symbol.asyncDispose]();
    await running;
    await settled;
    await Promise.all(runs);
    expect(registry.running).toBe(0);
    expect(told.length).toBeGreaterThan(0);
    await expect(discovery.run()).rejects.toThrow(TypeError);
  });
});

function withSettled(discovery: Discovery) {
  return { state: discovery.state, settled: discovery.settled() };
}
