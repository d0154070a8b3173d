/**
 * The commands of the pages on tasks, and of the README: each `sh` block, in its order on the page, against a real service and a
 * real API server.
 * @module
 */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { ANNOTATIONS } from "../../src/sources/kubernetes/index.ts";
import { readDocBlocks } from "../harness/cli/doc-page.ts";
import { deleteAllNodes, writeKubeconfig } from "../harness/kubernetes/cluster.ts";
import { KubeApi } from "../harness/kubernetes/kube-api.ts";
import { nodeObject } from "../harness/kubernetes/node-object.ts";
import { unusedPort } from "../harness/net/unused-port.ts";
import { createCluster } from "../harness/processes/nodes.ts";
import { Stage } from "../harness/processes/stage.ts";
import { identityDocument, serviceDocument } from "./harness/cluster-documents.ts";
import { DocDesk } from "./harness/doc-desk.ts";

const PAGES = [
  "docs/see-my-cluster.md",
  "docs/diagnose.md",
  "docs/forget.md",
  "docs/join.md",
  "docs/kubernetes.md",
  "docs/prometheus.md",
  "README.md",
];

/** What cannot run here, by the reasons on the pages. */
const NOT_RUN = [
  "docs/see-my-cluster.md: needs a Talos node",
  "docs/join.md: needs root, and an interface",
  "docs/kubernetes.md: needs kubectl",
  "README.md: each runs by itself",
  "README.md: needs npm's registry",
];

/** Longer than a page takes. */
const TTL_MS = 600_000;

const NODES = ["worker-1", "worker-3", "worker-4"];

let api: KubeApi;

beforeAll(async () => {
  api = await KubeApi.start(inject("kubeApiServer"));
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

/** A cluster of three nodes, which are gone without a word, at a desk with all files that pages speak of. */
async function openDesk(stage: Stage): Promise<DocDesk> {
  const service = await stage.service("ts");
  const cluster = createCluster();
  const elsewhere = new Map([
    ["http://127.0.0.1:3000", service.url],
    ["--serve 9101", `--serve ${await unusedPort()}`],
  ]);
  const env = {
    // What `serve` listens on by default may be somebody's.
    TALOS_DISCOVERY_ADDR: "127.0.0.1:0",
    TALOS_DISCOVERY_LANDING_ADDR: "off",
    TALOS_DISCOVERY_METRICS_ADDR: "off",
    CLUSTER_ID: cluster.clusterId,
    SECRET_FROM_YOUR_MACHINE_CONFIG: cluster.clusterSecret,
  };
  const desk = stage.use(await DocDesk.open({ elsewhere, env }));
  await desk.write(
    "cluster.yaml",
    identityDocument(cluster) + serviceDocument("primary", service.url),
  );
  await desk.write("cluster.secret", cluster.clusterSecret);
  await writeKubeconfig(desk.folder, api, { token: api.token("admin") });
  await deleteAllNodes(api);
  const watcher = stage.node("ts", service, cluster);
  for (const [index, nodename] of NODES.entries()) {
    const node = stage.node("go", service, cluster, { ttlMs: TTL_MS });
    const addresses = [`10.0.0.${11 + index}`];
    node.publish({ hostname: nodename, nodename, machineType: "worker", addresses });
    await watcher.seesThat(nodename, (seen) => (seen.has(node.nodeId) ? true : undefined));
    await node.stop();
    const annotations = {
      [ANNOTATIONS.nodeId]: node.nodeId,
      [ANNOTATIONS.addresses]: addresses.join(),
    };
    await api.create(nodeObject(nodename, { annotations }));
  }
  await api.create(nodeObject("worker-9"));
  return desk;
}

test("few blocks are not run, each for a reason", () => {
  const notRun = PAGES.flatMap((page) =>
    readDocBlocks(page).flatMap(({ notRun }) => (notRun === undefined ? [] : `${page}: ${notRun}`)),
  );
  expect(notRun).toEqual(NOT_RUN);
});

describe.each(PAGES)("the commands of %s", (page) => {
  const blocks = readDocBlocks(page).filter(({ notRun }) => notRun === undefined);
  const stage = new Stage();
  let desk: DocDesk;

  beforeAll(async () => {
    desk = await openDesk(stage);
  });

  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
  });

  test.each(blocks)("$text", async ({ text }) => {
    expect(await desk.run(text)).not.toBe("");
  });

  test("that go on end when they are told to", async () => {
    for (const exitCode of await desk.leave()) expect(exitCode).toBe(0);
  });
});
