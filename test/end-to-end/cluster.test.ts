/**
 * All parts at once: both services, the API server of Kubernetes, Go nodes and ours, and the tables of `get`.
 * @module
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createNodeApi } from "../../src/node/index.ts";
import { createAffiliateSpec } from "../../src/resources/index.ts";
import { KubernetesRegistry } from "../../src/sources/kubernetes/index.ts";
import {
  DOCUMENTED_AFFILIATES,
  DOCUMENTED_LOCAL_NODE,
  DOCUMENTED_MEMBERS,
  DOCUMENTED_NODES,
  DOCUMENTED_RAW_AFFILIATES,
  type DocumentedNode,
} from "../harness/cluster/documented-cluster.ts";
import { annotationsOf, writeKubeconfig } from "../harness/kubernetes/cluster.ts";
import { KubeApi } from "../harness/kubernetes/kube-api.ts";
import { nodeObject } from "../harness/kubernetes/node-object.ts";
import type { LineProcess } from "../harness/processes/line-process.ts";
import { createCluster, type NodeKind, type TestNode } from "../harness/processes/nodes.ts";
import { SERVICE_KINDS, type Service } from "../harness/processes/services.ts";
import { Stage } from "../harness/processes/stage.ts";
import { runCli, type WatchedRow, watchCli } from "./harness/cli.ts";
import { identityDocument, serviceDocument } from "./harness/cluster-documents.ts";

const CLUSTER = createCluster();

/** What each node of the documentation runs: our command, the Go client, or ours in a program. */
const KINDS: readonly ("join" | NodeKind)[] = ["join", "go", "ts", "go", "join"];

const stage = new Stage();
let folder: string;
let api: KubeApi;
let services: readonly Service[];
let flags: readonly string[];
/** A node has a client for each service, as a Go client knows one. */
const nodes = new Map<string, readonly TestNode[]>();
const registries = new Map<string, KubernetesRegistry>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "talos-discovery-end-to-end-"));
  api = stage.use(await KubeApi.start(inject("kubeApiServer")));
  services = await Promise.all(SERVICE_KINDS.map((kind) => stage.service(kind)));
  const kubeconfig = await writeKubeconfig(folder, api, { token: api.token("admin") });
  const config = join(folder, "machine.yaml");
  const documents = services.map(({ kind, url }) => serviceDocument(kind, url));
  await writeFile(config, identityDocument(CLUSTER) + documents.join(""), { mode: 0o600 });
  flags = ["--config", config, "--kubeconfig", kubeconfig];
  for (const [index, node] of DOCUMENTED_NODES.entries()) {
    const { nodename, nodeId } = node;
    await api.create(nodeObject(nodename, objectDetails(node)));
    const kind = KINDS[index];
    if (kind === undefined || kind === "join") {
      await startJoin(node);
      continue;
    }
    const clients = services.map((service) => stage.node(kind, service, CLUSTER, { nodeId }));
    nodes.set(nodename, clients);
    registries.set(nodename, await startRegistry(node, kubeconfig));
    tellServices(node);
    tellKubernetes(node);
  }
});

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** A machine that is not Talos, and tells everybody by our command. */
async function startJoin(node: DocumentedNode): Promise<void> {
  const { nodename, hostname, machineType, operatingSystem, addresses } = node;
  const identity = join(folder, `${nodename}.yaml`);
  await writeFile(identity, `nodeId: ${node.nodeId}\n`, { mode: 0o600 });
  const joining = watchCli(
    ...["join", ...flags, "--identity", identity, "--node-name", nodename],
    ...["--hostname", hostname, "--type", machineType, "--os", operatingSystem],
    ...addresses.flatMap((address) => ["--address", address]),
  );
  stage.use(joining);
}

/** What tells Kubernetes of a node, as Talos does beside the Go client. */
async function startRegistry(
  { nodeId, nodename }: DocumentedNode,
  kubeconfig: string,
): Promise<KubernetesRegistry> {
  const nodes = await createNodeApi({ kubeconfig });
  const registry = new KubernetesRegistry({ nodes, nodeId, nodeName: nodename });
  const leaving = new AbortController();
  const running = registry.run({ signal: leaving.signal });
  stage.use({
    async [Symbol.asyncDispose]() {
      leaving.abort();
      await running;
    },
  });
  return registry;
}

function objectDetails({ machineType, hostname, operatingSystem }: DocumentedNode) {
  return { isControlPlane: machineType === "controlplane", hostname, operatingSystem };
}

function tellServices({ nodename, addresses, ...affiliate }: DocumentedNode): void {
  const clients = nodes.get(nodename) ?? [];
  for (const client of clients) client.publish({ ...affiliate, nodename, addresses });
}

function tellKubernetes(node: DocumentedNode): void {
  registries.get(node.nodename)?.publish?.({ affiliate: createAffiliateSpec(node) });
}

function documented(name: string): DocumentedNode {
  const node = DOCUMENTED_NODES.find(({ nodename }) => nodename === name);
  if (node === undefined) throw new Error(`no node ${name}`);
  return node;
}

/** A table without what counts changes. */
function unversioned(table: string): string {
  return table.replaceAll(/^(\S+ +)\d[\d ]{9}/gm, (_all, id) => `${id}${"#".repeat(10)}`);
}

async function killService(index: number): Promise<void> {
  await services[index]?.process.kill();
}

/** At the same address, with nothing in memory. */
async function restartService(index: number): Promise<void> {
  const old = services[index];
  if (old === undefined) throw new Error(`no service ${index}`);
  services = services.with(index, await stage.service(old.kind, { port: old.port }));
}

async function get(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCli("get", ...args, ...flags);
  if (exitCode !== 0) throw new Error(stderr);
  return stdout;
}

/** As the documented node has it, which does not ask registries for itself. */
function asLocalNode(raw: string): string {
  const { nodeId } = documented(DOCUMENTED_LOCAL_NODE);
  return raw
    .split("\n")
    .filter((line) => !line.includes(nodeId))
    .join("\n");
}

/** `get affiliates -w`, with all that are there. */
async function watchAffiliates(): Promise<LineProcess<WatchedRow>> {
  const watching = stage.use(watchCli("get", "affiliates", "-w", ...flags));
  await watching.until("all affiliates", () =>
    DOCUMENTED_NODES.every(({ nodeId }) => rowsOf(watching, nodeId).length > 0) ? true : undefined,
  );
  return watching;
}

function rowsOf({ events }: LineProcess<WatchedRow>, nodeId: string): WatchedRow[] {
  return events.filter(({ cells: [id] }) => id === nodeId);
}

/** Waits until a watch tells of new addresses. */
async function tells(
  watching: LineProcess<WatchedRow>,
  { nodeId, addresses }: DocumentedNode,
): Promise<void> {
  const wanted = JSON.stringify(addresses);
  await watching.until(`${nodeId} at ${wanted}`, () =>
    rowsOf(watching, nodeId).at(-1)?.cells.at(-1) === wanted ? true : undefined,
  );
}

function lost({ events }: LineProcess<WatchedRow>): WatchedRow[] {
  return events.filter(({ mark }) => mark === "-");
}

/** A node, by its place among those of the documentation, with an address that it did not have. */
function moved(index: number, address: string): DocumentedNode {
  const node = DOCUMENTED_NODES[index];
  if (node === undefined) throw new Error(`no node ${index}`);
  return { ...node, addresses: [...node.addresses, address] };
}

/** Waits until `get` shows a table. */
async function shows(table: string, ...args: readonly string[]): Promise<void> {
  await expect.poll(async () => unversioned(await get(...args))).toBe(unversioned(table));
}

describe("with both registries", () => {
  test("each has its share of each node, in the table of the documentation", async () => {
    const raw = async () =>
      unversioned(asLocalNode(await get("affiliates", "--namespace", "cluster-raw")));
    await expect.poll(raw).toBe(unversioned(DOCUMENTED_RAW_AFFILIATES));
    const all = await get("affiliates", "--namespace", "cluster-raw");
    expect(all.match(/^(k8s|service)\/\w+/gm)?.sort()).toEqual(
      ["k8s", "service"].flatMap((name) =>
        DOCUMENTED_NODES.map(({ nodeId }) => `${name}/${nodeId}`).sort(),
      ),
    );
  });

  test("affiliates and members are the tables of the documentation", async () => {
    await shows(DOCUMENTED_AFFILIATES, "affiliates");
    await shows(DOCUMENTED_MEMBERS, "members");
  });

  test("a Node object has the annotations of the documentation", async () => {
    const { nodename, nodeId, addresses } = documented(DOCUMENTED_LOCAL_NODE);
    expect(await annotationsOf(api, nodename)).toMatchObject({
      "cluster.talos.dev/node-id": nodeId,
      "networking.talos.dev/self-ips": addresses.join(","),
    });
  });
});

describe("nothing is lost, and changes are seen,", () => {
  test("while the API server is dead", async () => {
    const watching = await watchAffiliates();
    await api.killApiServer();
    await watching.untilDiagnostic(api.url);
    const affiliates = await runCli("get", "affiliates", ...flags);
    expect(affiliates.stderr).toContain(api.url);
    expect({ ...affiliates, stdout: unversioned(affiliates.stdout) }).toMatchObject({
      exitCode: 0,
      stdout: unversioned(DOCUMENTED_AFFILIATES),
    });
    for (const [index, address] of [
      [1, "172.20.1.3"],
      [2, "172.20.1.4"],
    ] as const) {
      tellServices(moved(index, address));
      await tells(watching, moved(index, address));
    }
    expect(lost(watching)).toEqual([]);
    await api.startApiServer();
    tellServices(documented("talos-default-controlplane-2"));
    tellServices(documented("talos-default-controlplane-3"));
    await shows(DOCUMENTED_AFFILIATES, "affiliates");
    expect(lost(watching)).toEqual([]);
  });

  test.each(SERVICE_KINDS)("while the %s service is dead", async (kind) => {
    const watching = await watchAffiliates();
    const dead = services.findIndex((service) => service.kind === kind);
    await killService(dead);
    await watching.untilDiagnostic(services[dead]?.endpoint ?? "");
    await shows(DOCUMENTED_AFFILIATES, "affiliates");
    tellServices(moved(3, "172.20.1.5"));
    await tells(watching, moved(3, "172.20.1.5"));
    await restartService(dead);
    tellServices(documented("talos-default-worker-1"));
    await shows(DOCUMENTED_AFFILIATES, "affiliates");
    expect(lost(watching)).toEqual([]);
  });

  test("while all services are dead", async () => {
    const watching = await watchAffiliates();
    for (const index of services.keys()) await killService(index);
    for (const { endpoint } of services) await watching.untilDiagnostic(endpoint);
    const members = await runCli("get", "members", ...flags);
    for (const { endpoint } of services) expect(members.stderr).toContain(endpoint);
    expect({ ...members, stdout: unversioned(members.stdout) }).toMatchObject({
      exitCode: 0,
      stdout: unversioned(DOCUMENTED_MEMBERS),
    });
    tellKubernetes(moved(3, "172.20.1.6"));
    await tells(watching, moved(3, "172.20.1.6"));
    for (const index of services.keys()) await restartService(index);
    tellKubernetes(documented("talos-default-worker-1"));
    await shows(DOCUMENTED_AFFILIATES, "affiliates");
    const raw = async () =>
      unversioned(asLocalNode(await get("affiliates", "--namespace", "cluster-raw")));
    await expect.poll(raw).toBe(unversioned(DOCUMENTED_RAW_AFFILIATES));
    expect(lost(watching)).toEqual([]);
  });
});
