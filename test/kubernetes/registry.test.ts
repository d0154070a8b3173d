/** The Kubernetes registry over the real API server. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { createNodeApi } from "../../src/node/kubernetes/kubernetes-nodes.ts";
import { type AffiliateSpec, createAffiliateSpec } from "../../src/resources/affiliate.ts";
import {
  ANNOTATIONS,
  KubernetesRegistry,
  type NodeApi,
} from "../../src/sources/kubernetes/index.ts";
import {
  annotationsOf,
  deleteAllNodes,
  deleteNode,
  NODES,
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

let api: KubeApi;
let folder: string;
let nodes: NodeApi;
let stop = new AbortController();
const running: Promise<void>[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "talos-discovery-"));
  // Each watch ends after two to four seconds, so that resumes are among all that is tested here.
  api = await KubeApi.start(inject("kubeApiServer"), { args: ["--min-request-timeout=2"] });
  const kubeconfig = await writeKubeconfig(folder, api, { token: api.token("admin") });
  nodes = await createNodeApi({ kubeconfig });
});

afterEach(async () => {
  stop.abort();
  await Promise.all(running.splice(0));
  stop = new AbortController();
  await deleteAllNodes(api);
});

afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function start(nodeName?: string, local?: AffiliateSpec): KubernetesRegistry {
  const registry = new KubernetesRegistry({ nodes, nodeName });
  if (local !== undefined) registry.publish?.({ affiliate: local });
  running.push(registry.run({ signal: stop.signal }));
  return registry;
}

function local(nodeId: string, address: string): AffiliateSpec {
  return createAffiliateSpec({ nodeId, addresses: [address], controlPlane: { port: 6443 } });
}

discoveryRegistrySuite("KubernetesRegistry over an API server", {
  nodeId: LOCAL_NODE_ID,
  publishes: true,
  open: () => openKubernetesRegistry(new RealCluster(api), nodes),
});

describe("two registries in one cluster", () => {
  test("find each other by what each writes on its own node", async () => {
    for (const name of ["one", "two"]) await api.create(nodeObject(name));
    const one = start("one", local("node-one", "10.0.0.1"));
    const two = start("two", local("node-two", "10.0.0.2"));
    await Promise.all([one.flush(), two.flush()]);
    await expect
      .poll(() => [...one.affiliates.values()])
      .toEqual([
        {
          ...local("node-two", "10.0.0.2"),
          hostname: "two",
          nodename: "two",
          operatingSystem: "Talos (v1.15.0)",
        },
      ]);
    await expect.poll(() => [...two.affiliates.keys()]).toEqual(["node-one"]);
    two.publish?.({ affiliate: local("node-two", "10.0.0.22") });
    await expect.poll(() => one.affiliates.get("node-two")?.addresses).toEqual(["10.0.0.22"]);
    two.withdraw?.();
    await two.flush();
    await expect.poll(() => [...one.affiliates.keys()]).toEqual([]);
    expect(Object.keys(await annotationsOf(api, "two"))).toEqual([]);
  });
});

describe("our annotations", () => {
  test("are all that is touched", async () => {
    await api.create(nodeObject("mine", { annotations: { "example.com/theirs": "stays" } }));
    const { body: before } = await api.call("GET", `${NODES}/mine`);
    const registry = start("mine", local("node-one", "10.0.0.1"));
    await registry.flush();
    expect(await annotationsOf(api, "mine")).toEqual({
      "example.com/theirs": "stays",
      [ANNOTATIONS.nodeId]: "node-one",
      [ANNOTATIONS.addresses]: "10.0.0.1",
      [ANNOTATIONS.apiServerPort]: "6443",
    });
    registry.publish?.({ affiliate: createAffiliateSpec({ nodeId: "node-one" }) });
    await registry.flush();
    expect(await annotationsOf(api, "mine")).toEqual({
      "example.com/theirs": "stays",
      [ANNOTATIONS.nodeId]: "node-one",
    });
    registry.withdraw?.();
    await registry.flush();
    const { body: after } = await api.call("GET", `${NODES}/mine`);
    const volatile = { resourceVersion: "", managedFields: [] };
    expect({ ...after, metadata: { ...after.metadata, ...volatile } }).toEqual({
      ...before,
      metadata: { ...before.metadata, ...volatile },
    });
  });

  test("that stand there already are not written again", async () => {
    await api.create(nodeObject("mine"));
    await start("mine", local("node-one", "10.0.0.1")).flush();
    const { body: before } = await api.call("GET", `${NODES}/mine`);
    stop.abort();
    await Promise.all(running);
    stop = new AbortController();
    await start("mine", local("node-one", "10.0.0.1")).flush();
    const { body: after } = await api.call("GET", `${NODES}/mine`);
    expect(after.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  });

  test("come back after somebody changed them, and after the node was deleted and made anew", async () => {
    await api.create(nodeObject("mine"));
    const registry = start("mine", local("node-one", "10.0.0.1"));
    await registry.flush();
    await patchNode(api, "mine", { metadata: { annotations: { [ANNOTATIONS.addresses]: null } } });
    await expect
      .poll(async () => (await annotationsOf(api, "mine"))[ANNOTATIONS.addresses])
      .toBe("10.0.0.1");
    await deleteNode(api, "mine");
    await expect.poll(() => registry.status.lastError?.code).toBe("ERR_KUBERNETES_NODE_MISSING");
    await api.create(nodeObject("mine"));
    await expect
      .poll(async () => (await annotationsOf(api, "mine"))[ANNOTATIONS.nodeId])
      .toBe("node-one");
    await expect.poll(() => registry.status.lastError).toBeUndefined();
  });

  test("wait for a node that is not there yet", async () => {
    const registry = start("later", local("node-one", "10.0.0.1"));
    await expect
      .poll(() => registry.status.lastError?.message)
      .toBe(`${api.url} has no node "later" yet: waiting for it`);
    await api.create(nodeObject("later"));
    await registry.flush();
    expect((await annotationsOf(api, "later"))[ANNOTATIONS.nodeId]).toBe("node-one");
  });
});
