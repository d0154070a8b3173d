import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DiscoveryError } from "../../../../src/errors.ts";
import { type AffiliateSpec, createAffiliateSpec } from "../../../../src/resources/affiliate.ts";
import {
  ANNOTATIONS,
  type KubernetesNode,
  KubernetesRegistry,
  type KubernetesRegistryOptions,
  type NodeDropReport,
} from "../../../../src/sources/kubernetes/index.ts";
import { FakeApiServer } from "../../../harness/kubernetes/fake-api-server.ts";
import { nodeObject } from "../../../harness/kubernetes/node-object.ts";

const SELF = "self";

let api: FakeApiServer;
let nowMs: number;
let stop: AbortController;
let running: Promise<void>;
/** Waits that the registry has asked for, and how each is ended. */
let waits: { readonly ms: number; readonly end: () => void }[];
let retries: DiscoveryError[];
let drops: NodeDropReport[];

beforeEach(() => {
  api = new FakeApiServer();
  nowMs = 0;
  stop = new AbortController();
  running = Promise.resolve();
  waits = [];
  retries = [];
  drops = [];
});

afterEach(async () => {
  stop.abort();
  await running;
});

function start(options: Partial<KubernetesRegistryOptions> = {}): KubernetesRegistry {
  const registry = new KubernetesRegistry({
    nodes: api,
    onDrop: (report) => drops.push(report),
    onRetry: (error) => retries.push(error),
    now: () => nowMs,
    random: () => 0.5,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        waits.push({ ms, end: resolve });
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      }),
    ...options,
  });
  running = registry.run({ signal: stop.signal });
  return registry;
}

/** What waits now goes on. */
function pass(): void {
  for (const { end } of waits) end();
}

function node(name: string, nodeId: string, addresses = "10.0.0.1"): KubernetesNode {
  const annotations = { [ANNOTATIONS.nodeId]: nodeId, [ANNOTATIONS.addresses]: addresses };
  return nodeObject(name, { annotations });
}

function namesIn(registry: KubernetesRegistry): string[] {
  return [...registry.affiliates.values()].map(({ nodename }) => nodename).sort();
}

const own: AffiliateSpec = createAffiliateSpec({ nodeId: "me", addresses: ["10.0.0.9"] });
const ownAnnotations = { [ANNOTATIONS.nodeId]: "me", [ANNOTATIONS.addresses]: "10.0.0.9" };

test("raw IDs of Kubernetes are k8s/ and the node ID", () => {
  expect(new KubernetesRegistry({ nodes: api }).name).toBe("k8s");
});

describe("following nodes", () => {
  test("a watch that the server ends is resumed at once where it was, without a list and without a word", async () => {
    api.put(node("a", "A"));
    const registry = start();
    await expect.poll(() => registry.status.phase).toBe("connected");
    api.put(node("b", "B"));
    await expect.poll(() => namesIn(registry)).toEqual(["a", "b"]);
    api.endWatches();
    api.put(node("c", "C"));
    await expect.poll(() => namesIn(registry)).toEqual(["a", "b", "c"]);
    expect(api.calls).toEqual(["list", "watch 2", "watch 3"]);
    expect(registry.status).toEqual({ phase: "connected", source: api.source });
    expect(retries).toEqual([]);
  });

  test("a bookmark is where a watch goes on, though nothing has changed", async () => {
    const registry = start();
    await expect.poll(() => registry.status.phase).toBe("connected");
    api.bookmark();
    api.bookmark();
    await expect.poll(() => api.calls.length).toBe(2);
    nowMs = 5000;
    await new Promise((resolve) => setImmediate(resolve));
    api.endWatches();
    await expect.poll(() => api.calls).toEqual(["list", "watch 1", "watch 3"]);
  });

  test("what the server has forgotten is listed again, and only what is different is told", async () => {
    api.put(node("a", "A"));
    api.put(node("b", "B"));
    const registry = start();
    const changes = registry.watch({ signal: stop.signal });
    await expect.poll(() => registry.status.phase).toBe("connected");
    while ((await changes.next()).value?.kind !== "snapshot");
    api.put(node("b", "B", "10.0.0.2"));
    while ((await changes.next()).value?.kind !== "updated");
    api.break();
    await expect.poll(() => waits.length).toBe(1);
    api.remove("a");
    api.put(node("c", "C"));
    api.compact();
    api.mend();
    pass();
    await expect.poll(() => namesIn(registry)).toEqual(["b", "c"]);
    const told: string[] = [];
    while (told.length < 2) {
      const { value } = await changes.next();
      if (value?.kind === "updated") told.push(value.affiliate.nodename);
      if (value?.kind === "deleted") told.push(`-${value.nodeId}`);
    }
    expect(told.sort()).toEqual(["-A", "c"]);
    expect(api.calls).toEqual(["list", "watch 3", "watch 4", "list", "watch 6"]);
  });

  test("a list that the server forgets between its pages is asked for whole, without what is gone meanwhile", async () => {
    for (const name of ["a", "b", "c"]) api.put(node(name, name.toUpperCase()));
    api.maxPage = 2;
    const list = api.list.bind(api);
    let isFirst = true;
    api.list = async (options) => {
      const page = await list(options);
      if (isFirst) {
        api.remove("a");
        api.compact();
      }
      isFirst = false;
      return page;
    };
    const registry = start();
    await expect.poll(() => namesIn(registry)).toEqual(["b", "c"]);
    expect(api.calls.slice(0, 3)).toEqual(["list", "list on", "list"]);
    expect(retries).toEqual([]);
  });

  test("a server that fails is asked again after longer and longer, and after a success soon", async () => {
    api.break();
    const registry = start();
    for (let failures = 1; failures <= 20; failures++) {
      await expect.poll(() => waits.length).toBe(failures);
      pass();
    }
    expect(waits.map(({ ms }) => ms).slice(0, 3)).toEqual([500, 750, 1125]);
    expect(waits.at(-1)?.ms).toBe(60_000);
    expect(registry.status).toMatchObject({
      phase: "waiting",
      lastError: { code: "ERR_KUBERNETES_UNAVAILABLE" },
    });
    api.mend();
    await expect.poll(() => registry.status).toEqual({ phase: "connected", source: api.source });
    nowMs += 1000;
    api.break();
    await expect.poll(() => waits.length).toBe(21);
    expect(waits.at(-1)?.ms).toBe(500);
  });

  test("a server that ends each watch at once is no working one", async () => {
    const registry = start();
    for (let ends = 1; ends <= 3; ends++) {
      await expect.poll(() => registry.status.phase).toBe("connected");
      api.endWatches();
      await expect.poll(() => waits.length).toBe(ends);
      pass();
    }
    expect(waits.map(({ ms }) => ms)).toEqual([500, 750, 1125]);
    expect(retries[0]?.message).toBe("https://kubernetes.test ended the watch at once");
  });

  test("what was known stays known while the server is away", async () => {
    api.put(node("a", "A"));
    const registry = start();
    await expect.poll(() => registry.status.phase).toBe("connected");
    api.break("ERR_KUBERNETES_FORBIDDEN");
    await expect.poll(() => registry.status.phase).toBe("waiting");
    expect(namesIn(registry)).toEqual(["a"]);
  });

  test("a new run lists anew: how long ago the former one ended is not known", async () => {
    api.put(node("a", "A"));
    const registry = start();
    await expect.poll(() => namesIn(registry)).toEqual(["a"]);
    stop.abort();
    await running;
    api.remove("a");
    api.compact();
    stop = new AbortController();
    running = registry.run({ signal: stop.signal });
    await expect.poll(() => namesIn(registry)).toEqual([]);
    expect(api.calls).toEqual(["list", "watch 2", "list", "watch 3"]);
    expect(retries).toEqual([]);
  });

  test("running twice at once is a mistake", async () => {
    const registry = start();
    await expect(registry.run()).rejects.toThrow(TypeError);
  });
});

describe("nodes", () => {
  test("without a node ID, our own by name and our own by ID are not among the others", async () => {
    api.put(nodeObject("kubelet-only"));
    api.put(node("by-name", "before it was wiped"));
    api.put(node("by-id", SELF));
    api.put(node("other", "O"));
    const registry = start({ nodeId: SELF, nodeName: "by-name" });
    await expect.poll(() => namesIn(registry)).toEqual(["other"]);
  });

  test("that lose their node ID are gone", async () => {
    api.put(node("a", "A"));
    const registry = start();
    await expect.poll(() => namesIn(registry)).toEqual(["a"]);
    api.put(nodeObject("a"));
    await expect.poll(() => namesIn(registry)).toEqual([]);
  });

  test("are told of when they change for us, and not when they change for others", async () => {
    api.put(node("a", "A", "10.0.0.1,junk"));
    const registry = start();
    await expect.poll(() => namesIn(registry)).toEqual(["a"]);
    const before = registry.affiliates.get("A");
    const { metadata } = node("a", "A", "10.0.0.1,junk");
    const annotations = { ...metadata.annotations, other: "news" };
    api.put({ metadata: { name: "a", annotations }, status: api.get("a").status });
    api.put(node("b", "B"));
    await expect.poll(() => namesIn(registry)).toEqual(["a", "b"]);
    expect(registry.affiliates.get("A")).toBe(before);
    expect(drops).toEqual([
      {
        reason: "annotation_malformed",
        nodeName: "a",
        annotation: ANNOTATIONS.addresses,
        item: "junk",
      },
    ]);
  });

  const twins = [
    { ...node("old", "twin"), createdAt: "2026-01-01T00:00:00Z" },
    { ...node("young-a", "twin"), createdAt: "2026-01-02T00:00:00Z" },
    { ...node("young-b", "twin"), createdAt: "2026-01-02T00:00:00Z" },
  ].map(({ createdAt, metadata, ...rest }) => ({
    ...rest,
    metadata: { ...metadata, creationTimestamp: createdAt },
  }));

  test.each([[[0, 1, 2]], [[0, 2, 1]], [[1, 0, 2]], [[1, 2, 0]], [[2, 0, 1]], [[2, 1, 0]]])(
    "of one node ID: the one that was made last, then the first by name, in order %j",
    async (order) => {
      const inOrder = order.flatMap((index) => twins[index] ?? []);
      for (const twin of inOrder) api.put(twin);
      const listed = start();
      await expect.poll(() => namesIn(listed)).toEqual(["young-a"]);
      expect(drops).toContainEqual({
        reason: "node_id_duplicate",
        nodeName: "old",
        nodeId: "twin",
        usedNodeName: "young-a",
      });
      api.remove("young-a");
      await expect.poll(() => namesIn(listed)).toEqual(["young-b"]);
      api.remove("young-b");
      await expect.poll(() => namesIn(listed)).toEqual(["old"]);
      // And the same where they come one by one.
      for (const twin of inOrder) api.put(twin);
      await expect.poll(() => namesIn(listed)).toEqual(["young-a"]);
    },
  );

  const clones = Array.from({ length: 100 }, (_, index) => `clone-${index + 100}`);

  test("of one node ID, as machines of one image have it, are told of once each", async () => {
    for (const name of clones) api.put(node(name, "twin"));
    const registry = start();
    await expect.poll(() => namesIn(registry)).toEqual(["clone-100"]);
    expect(drops.map(({ nodeName }) => nodeName)).toEqual(clones.slice(1));
    api.put(node("clone-150", "twin", "10.0.0.50"));
    api.put(node("other", "O"));
    await expect.poll(() => namesIn(registry)).toEqual(["clone-100", "other"]);
    expect(drops).toHaveLength(100);
    expect(drops.at(-1)).toMatchObject({ nodeName: "clone-150", usedNodeName: "clone-100" });
  });

  test("of one node ID are told of again where another of them is used", async () => {
    for (const name of ["a", "b", "c"]) api.put(node(name, "twin"));
    const registry = start();
    await expect.poll(() => namesIn(registry)).toEqual(["a"]);
    drops.length = 0;
    api.remove("a");
    await expect.poll(() => namesIn(registry)).toEqual(["b"]);
    expect(drops).toEqual([
      { reason: "node_id_duplicate", nodeName: "c", nodeId: "twin", usedNodeName: "b" },
    ]);
  });
});

describe("our own node", () => {
  test("gets our annotations, and keeps all others", async () => {
    api.put(
      nodeObject("me", { annotations: { other: "stays", [ANNOTATIONS.apiServerPort]: "1" } }),
    );
    const registry = start({ nodeName: "me" });
    registry.publish?.({ affiliate: own });
    await registry.flush();
    expect(api.get("me").metadata.annotations).toEqual({ other: "stays", ...ownAnnotations });
    registry.withdraw?.();
    await registry.flush();
    expect(api.get("me").metadata.annotations).toEqual({ other: "stays" });
    expect(api.patches.length).toBe(2);
  });

  test("that has our annotations already is not written to", async () => {
    api.put(nodeObject("me", { annotations: ownAnnotations }));
    const registry = start({ nodeName: "me" });
    registry.publish?.({ affiliate: own });
    await registry.flush();
    registry.publish?.({ affiliate: { ...own, hostname: "not on the node" } });
    await registry.flush();
    expect(api.patches).toEqual([]);
  });

  test("gets in a second run what was published between the two", async () => {
    api.put(nodeObject("me"));
    const registry = start({ nodeName: "me" });
    await expect.poll(() => registry.status.phase).toBe("connected");
    stop.abort();
    await running;
    registry.publish?.({ affiliate: own });
    stop = new AbortController();
    running = registry.run({ signal: stop.signal });
    await registry.flush({ signal: AbortSignal.timeout(2000) });
    expect(api.get("me").metadata.annotations).toEqual(ownAnnotations);
  });

  test("that somebody changes is put right", async () => {
    api.put(nodeObject("me"));
    const registry = start({ nodeName: "me" });
    registry.publish?.({ affiliate: own });
    await registry.flush();
    nowMs += 100_000;
    api.put(nodeObject("me", { annotations: { [ANNOTATIONS.nodeId]: "somebody else" } }));
    await expect.poll(() => api.get("me").metadata.annotations).toEqual(ownAnnotations);
    expect(waits).toEqual([]);
  });

  test("that somebody changes all the time is put right less and less often", async () => {
    api.put(nodeObject("me"));
    const registry = start({ nodeName: "me" });
    registry.publish?.({ affiliate: own });
    await registry.flush();
    for (let changes = 1; changes <= 4; changes++) {
      api.put(nodeObject("me", { annotations: { [ANNOTATIONS.nodeId]: `other ${changes}` } }));
      await expect.poll(() => waits.length).toBe(changes);
      pass();
      await expect.poll(() => api.get("me").metadata.annotations).toEqual(ownAnnotations);
    }
    expect(waits.map(({ ms }) => ms)).toEqual([500, 750, 1125, 1688]);
  });

  test("that is deleted and made anew gets them again", async () => {
    api.put(nodeObject("me"));
    const registry = start({ nodeName: "me" });
    registry.publish?.({ affiliate: own });
    await registry.flush();
    nowMs += 100_000;
    api.remove("me");
    await expect.poll(() => registry.status.lastError?.code).toBe("ERR_KUBERNETES_NODE_MISSING");
    api.put(nodeObject("me"));
    await expect.poll(() => api.get("me").metadata.annotations).toEqual(ownAnnotations);
    expect(registry.status).toEqual({ phase: "connected", source: api.source });
  });

  test("that is not there yet is waited for, and the status says so", async () => {
    const told: string[] = [];
    const onMissing = ({ message }: DiscoveryError) => told.push(message);
    const registry = start({ nodeName: "me", onMissing });
    registry.publish?.({ affiliate: own });
    await expect
      .poll(() => registry.status)
      .toMatchObject({
        phase: "connected",
        lastError: { message: 'https://kubernetes.test has no node "me" yet: waiting for it' },
      });
    registry.publish?.({ affiliate: { ...own, addresses: ["10.0.0.8"] } });
    registry.publish?.({ affiliate: own });
    expect(api.patches).toEqual([]);
    api.put(nodeObject("me"));
    await registry.flush();
    expect(api.get("me").metadata.annotations).toEqual(ownAnnotations);
    expect(told).toEqual(['https://kubernetes.test has no node "me" yet: waiting for it']);
  });

  test("that is not there has nothing to take back", async () => {
    const registry = start({ nodeName: "me" });
    registry.withdraw?.();
    await registry.flush();
    expect(api.calls).not.toContain("annotate me");
  });

  test("is written to by those who may not list nodes", async () => {
    api.put(nodeObject("me"));
    api.list = async () => {
      throw Object.assign(new Error("may not"), {
        name: "DiscoveryError",
        code: "ERR_KUBERNETES_FORBIDDEN",
      });
    };
    const registry = start({ nodeName: "me" });
    registry.publish?.({ affiliate: own });
    await registry.flush();
    expect(api.get("me").metadata.annotations).toEqual(ownAnnotations);
    expect(registry.status.lastError?.code).toBe("ERR_KUBERNETES_FORBIDDEN");
  });

  test("that cannot be written to is tried again after longer and longer", async () => {
    api.put(nodeObject("me"));
    api.annotate = async () => {
      throw new Error("no");
    };
    const registry = start({ nodeName: "me" });
    registry.publish?.({ affiliate: own });
    for (let failures = 1; failures <= 4; failures++) {
      await expect.poll(() => waits.length).toBe(failures);
      pass();
    }
    expect(waits.map(({ ms }) => ms).slice(0, 4)).toEqual([500, 750, 1125, 1688]);
    expect(registry.status).toMatchObject({
      phase: "connected",
      lastError: { code: "ERR_KUBERNETES_UNAVAILABLE" },
    });
  });

  test("a new thing to tell does not wait for the end of a wait", async () => {
    api.put(nodeObject("me"));
    api.break();
    const registry = start({ nodeName: "me" });
    registry.publish?.({ affiliate: own });
    await expect.poll(() => api.calls).toContain("annotate me");
    await expect.poll(() => waits.length).toBe(2);
    api.mend();
    registry.withdraw?.();
    await registry.flush();
    expect(api.patches.map(({ annotations }) => annotations[ANNOTATIONS.nodeId])).toEqual([null]);
  });

  test("a registry that is only read has no publish, and nothing to wait for", async () => {
    const registry = start();
    expect(registry.publish).toBeUndefined();
    expect(registry.withdraw).toBeUndefined();
    await registry.flush();
  });
});
