/** The Kubernetes registry and an API server that is killed, that forgets, and that has a thousand nodes. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { unlessAborted } from "../../src/async/waits.ts";
import { createNodeApi } from "../../src/node/kubernetes/kubernetes-nodes.ts";
import { createAffiliateSpec } from "../../src/resources/affiliate.ts";
import {
  ANNOTATIONS,
  affiliateAnnotations,
  KubernetesRegistry,
  type KubernetesRegistryOptions,
  type NodeApi,
} from "../../src/sources/kubernetes/index.ts";
import {
  annotationsOf,
  deleteAllNodes,
  deleteNode,
  nodeObject,
  patchNode,
  writeKubeconfig,
} from "../harness/kubernetes/cluster.ts";
import { KubeApi } from "../harness/kubernetes/kube-api.ts";
import {
  LOCAL_NODE_ID,
  openKubernetesRegistry,
} from "../harness/kubernetes/kubernetes-under-test.ts";
import { discoveryRegistrySuite } from "../harness/registry/discovery-registry-suite.ts";
import { RealCluster } from "./harness/real-cluster.ts";

/** As many nodes as a large cluster has. */
const MANY = 1000;

/** Images on a node: most of what a `Node` object weighs. */
const IMAGES = Array.from({ length: 50 }, (_, index) => ({
  names: [`registry.example/team/application-${index}@sha256:${"0123456789abcdef".repeat(4)}`],
  sizeBytes: 100_000_000 + index,
}));

let api: KubeApi;
let folder: string;
let nodes: NodeApi;
/** Calls of all registries here. */
let calls: string[] = [];
let stop = new AbortController();
const running: Promise<void>[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "talos-discovery-"));
  api = await KubeApi.start(inject("kubeApiServer"));
  const kubeconfig = await writeKubeconfig(folder, api, { token: api.token("admin") });
  const real = await createNodeApi({ kubeconfig });
  nodes = {
    source: real.source,
    list(options) {
      calls.push("list");
      return real.list(options);
    },
    watch(options) {
      calls.push("watch");
      return real.watch(options);
    },
    annotate(...args) {
      calls.push("annotate");
      return real.annotate(...args);
    },
  };
});

afterEach(async () => {
  stop.abort();
  await Promise.all(running.splice(0));
  stop = new AbortController();
  calls = [];
  if (!api.isRunning) await api.startApiServer();
  await deleteAllNodes(api);
});

afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function start(options: Partial<KubernetesRegistryOptions> = {}): KubernetesRegistry {
  const registry = new KubernetesRegistry({ nodes, ...options });
  running.push(registry.run({ signal: stop.signal }));
  return registry;
}

function annotated(nodeId: string, address: string) {
  const affiliate = createAffiliateSpec({ nodeId, addresses: [address] });
  return { annotations: affiliateAnnotations(affiliate) };
}

discoveryRegistrySuite("KubernetesRegistry over an API server that is killed", {
  nodeId: LOCAL_NODE_ID,
  publishes: true,
  breaks: true,
  timeoutMs: 60_000,
  async open() {
    const opened = await openKubernetesRegistry(new RealCluster(api), nodes);
    return {
      ...opened,
      breakSource: () => api.killApiServer(),
      mendSource: () => api.startApiServer(),
    };
  },
});

describe("an API server that is killed and started again", () => {
  test("has what changed while nobody was looking told, and nothing else", async () => {
    for (const name of ["stays", "changes", "goes"]) {
      await api.create(nodeObject(name, annotated(name, "10.0.0.1")));
    }
    const registry = start();
    const changes = registry.watch({ signal: stop.signal });
    await expect.poll(() => registry.status.phase).toBe("connected");
    while ((await changes.next()).value?.kind !== "snapshot");
    await api.killApiServer();
    await expect.poll(() => registry.status.phase).toBe("waiting");
    expect(registry.status.lastError?.code).toBe("ERR_KUBERNETES_UNAVAILABLE");
    expect(registry.affiliates.size).toBe(3);
    await api.startApiServer();
    await patchNode(api, "changes", {
      metadata: { annotations: { [ANNOTATIONS.addresses]: "10.0.0.2" } },
    });
    await deleteNode(api, "goes");
    await api.create(nodeObject("comes", annotated("comes", "10.0.0.3")));
    const told: string[] = [];
    while (told.length < 3) {
      const { value } = await changes.next();
      if (value?.kind === "updated") told.push(value.affiliate.nodeId);
      if (value?.kind === "deleted") told.push(`-${value.nodeId}`);
    }
    expect(told.sort()).toEqual(["-goes", "changes", "comes"]);
    expect(registry.status).toEqual({ phase: "connected", source: api.url });
  });

  test("that has forgotten what was in between is asked for all again", async () => {
    await api.create(nodeObject("before", annotated("before", "10.0.0.1")));
    // Holds the next attempt back until the versions between are forgotten.
    const forgotten = Promise.withResolvers<void>();
    const registry = start({ sleep: (_ms, signal) => unlessAborted(forgotten.promise, signal) });
    await expect.poll(() => [...registry.affiliates.keys()]).toEqual(["before"]);
    await api.killApiServer();
    await expect.poll(() => registry.status.phase).toBe("waiting");
    await api.startApiServer();
    await deleteNode(api, "before");
    await api.create(nodeObject("after", annotated("after", "10.0.0.2")));
    await api.compact();
    await api.killApiServer();
    await api.startApiServer();
    calls = [];
    forgotten.resolve();
    await expect.poll(() => [...registry.affiliates.keys()]).toEqual(["after"]);
    expect(calls.slice(0, 2)).toEqual(["watch", "list"]);
    await expect.poll(() => registry.status).toEqual({ phase: "connected", source: api.url });
  });

  test("gets what was published and taken back meanwhile", async () => {
    await api.create(nodeObject("mine"));
    const registry = start({ nodeName: "mine" });
    registry.publish?.({
      affiliate: createAffiliateSpec({ nodeId: "me", addresses: ["10.0.0.1"] }),
    });
    await registry.flush();
    await api.killApiServer();
    registry.publish?.({
      affiliate: createAffiliateSpec({ nodeId: "me", addresses: ["10.0.0.2"] }),
    });
    await expect.poll(() => registry.status.phase).toBe("waiting");
    await api.startApiServer();
    await registry.flush();
    expect((await annotationsOf(api, "mine"))[ANNOTATIONS.addresses]).toBe("10.0.0.2");
    await api.killApiServer();
    registry.withdraw?.();
    await api.startApiServer();
    await registry.flush();
    expect(await annotationsOf(api, "mine")).toEqual({});
  });
});

test("a thousand nodes are known in seconds, and cost little more than what they tell", async () => {
  const creating = Array.from({ length: MANY }, (_, index) => index);
  const worker = async () => {
    for (let index = creating.pop(); index !== undefined; index = creating.pop()) {
      const name = `node-${index}`;
      const address = `10.1.${index >> 8}.${index & 255}`;
      const node = nodeObject(name, annotated(`id-${index}`, address));
      await api.create({ ...node, status: { ...node.status, images: IMAGES } });
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  const before = heapBytes();
  const startedMs = performance.now();
  const registry = start();
  await expect.poll(() => registry.affiliates.size, { interval: 10 }).toBe(MANY);
  const seconds = (performance.now() - startedMs) / 1000;
  expect(calls.filter((call) => call === "list")).toHaveLength(4);
  await expect.poll(() => registry.status.phase).toBe("connected");
  await patchNode(api, "node-500", {
    metadata: { annotations: { [ANNOTATIONS.addresses]: "10.9.9.9" } },
  });
  await expect.poll(() => registry.affiliates.get("id-500")?.addresses).toEqual(["10.9.9.9"]);
  const bytes = (heapBytes() - before) / MANY;
  process.stdout.write(
    `\n${MANY} nodes: ${seconds.toFixed(2)} s, ${bytes.toFixed(0)} bytes each\n`,
  );
  expect(seconds).toBeLessThan(20);
  // The objects themselves are seven times as large.
  expect(bytes).toBeLessThan(3000);
});

/** What is held, once all else is collected. */
function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed;
}
