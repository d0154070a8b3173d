/**
 * Bad input as people meet it, to the command as they call it: a clear message, and the rest goes on.
 * @module
 */
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { ANNOTATIONS } from "../../src/sources/kubernetes/index.ts";
import { writeKubeconfig } from "../harness/kubernetes/cluster.ts";
import { KubeApi } from "../harness/kubernetes/kube-api.ts";
import { nodeObject } from "../harness/kubernetes/node-object.ts";
import {
  type Cluster,
  createCluster,
  NODE_KINDS,
  type NodeKind,
} from "../harness/processes/nodes.ts";
import type { Service } from "../harness/processes/services.ts";
import { Stage } from "../harness/processes/stage.ts";
import { type CliResult, runCli } from "./harness/cli.ts";
import { identityDocument, serviceDocument } from "./harness/cluster-documents.ts";

const CLUSTER = createCluster();

const stage = new Stage();
let folder: string;
let service: Service;
/** The cluster, without a service. */
let identity: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "talos-discovery-bad-input-"));
  service = await stage.service("ts");
  identity = await clusterFlags("cluster.yaml", CLUSTER.clusterSecret);
  await publishNodes(stage, CLUSTER, (kind) => `good-${kind}`);
});

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** A node of each kind, which know of each other. */
async function publishNodes(
  on: Stage,
  cluster: Cluster,
  nameOf: (kind: NodeKind) => string,
): Promise<void> {
  const nodes = NODE_KINDS.map((kind) => on.node(kind, service, cluster));
  const published = nodes.map((node) =>
    node.publish({
      nodename: nameOf(node.kind),
      machineType: "worker",
      addresses: [node.kind === "go" ? "10.0.0.1" : "10.0.0.2"],
    }),
  );
  for (const node of nodes) {
    await node.sees(...published.filter(({ nodeId }) => nodeId !== node.nodeId));
  }
}

const at = (url: string): readonly string[] => ["--service", url];

async function clusterFlags(name: string, secret: string): Promise<readonly string[]> {
  const path = join(folder, name);
  const document = identityDocument({ ...CLUSTER, clusterSecret: secret });
  await writeFile(path, document, { mode: 0o600 });
  return ["--cluster-secret-file", path];
}

/** Names of the rows. */
function membersIn({ stdout }: CliResult): string[] {
  const [, ...rows] = stdout.trimEnd().split("\n");
  return rows.map((row) => row.slice(0, row.indexOf(" ")));
}

/** One line, by this program, which has no secret in it. */
function complaintOf({ stderr }: CliResult): string {
  const [, complaint] = /^talos-discovery: (\P{Cc}+)\n$/u.exec(stderr) ?? [];
  if (complaint === undefined) throw new Error(`not one line: ${JSON.stringify(stderr)}`);
  expect(complaint).not.toContain(CLUSTER.clusterSecret);
  return complaint;
}

describe("a configuration", () => {
  async function configured(text: string): Promise<CliResult> {
    const path = join(folder, "machine.yaml");
    await writeFile(path, text, { mode: 0o600 });
    return runCli("get", "members", "--config", path);
  }

  test("with both forms of a service says where the two stand", async () => {
    const old = `cluster:\n  id: ${CLUSTER.clusterId}\n  secret: ${CLUSTER.clusterSecret}\n  discovery: {}\n`;
    const result = await configured(old + serviceDocument("a", service.url));
    expect(result).toMatchObject({ exitCode: 2, stdout: "" });
    expect(complaintOf(result)).toMatch(
      /machine\.yaml: document 1, line 4: cluster\.discovery: excludes documents of kind DiscoveryServiceConfig/,
    );
  });

  test("with one name for two services says which is the second", async () => {
    const result = await configured(
      identityDocument(CLUSTER) +
        serviceDocument("a", service.url) +
        serviceDocument("a", "http://b"),
    );
    expect(result).toMatchObject({ exitCode: 2, stdout: "" });
    expect(complaintOf(result)).toMatch(/machine\.yaml: document 3, line 13: name: /);
  });

  test("that ends in the middle of the secret says so, and not what it read of it", async () => {
    const whole = identityDocument(CLUSTER);
    const half = CLUSTER.clusterSecret.slice(0, 20);
    const result = await configured(`${whole.slice(0, whole.indexOf(half))}${half}`);
    expect(result).toMatchObject({ exitCode: 2, stdout: "" });
    expect(complaintOf(result)).toMatch(/machine\.yaml: document 1, line 4: clusterSecret: /);
    expect(result.stderr).not.toContain(half);
  });
});

test("a secret of another cluster opens nothing, and is said to be one", async () => {
  const wrong = await clusterFlags("wrong.yaml", createCluster().clusterSecret);
  const get = await runCli("get", "members", ...wrong, ...at(service.url));
  expect(get).toMatchObject({ exitCode: 1, stdout: "" });
  expect(complaintOf(get)).toMatch(/^2 of 2 affiliates did not open: sealed with another secret/);
  const diagnose = await runCli("diagnose", ...wrong, ...at(service.url));
  expect(diagnose.exitCode).toBe(1);
  expect(diagnose.stdout).toMatch(/failed +secret +opens none of 2 affiliates/);
  const forget = await runCli("forget", "good-go", "--yes", ...wrong, ...at(service.url));
  expect(forget).toMatchObject({ exitCode: 1, stdout: "" });
  expect(forget.stderr).toMatch(/opens with this secret/);
  expect(membersIn(await runCli("get", "members", ...identity, ...at(service.url)))).toHaveLength(
    2,
  );
});

describe("a service that answers garbage", () => {
  let url: string;

  beforeAll(async () => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.write(`\u0000\u00ff${"nonsense ".repeat(100)}\r\n\r\n`);
      socket.on("data", (data: Buffer) => socket.write(data.reverse()));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    stage.use(server);
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  test("is named, and what another one knows is listed", async () => {
    const both = await runCli("get", "members", ...identity, ...at(url), ...at(service.url));
    expect(both.exitCode).toBe(0);
    expect(membersIn(both)).toEqual(["good-go", "good-ts"]);
    expect(complaintOf(both)).toContain(url);
    const alone = await runCli("get", "members", ...identity, ...at(url));
    expect(alone).toMatchObject({ exitCode: 1, stdout: "" });
    expect(complaintOf(alone)).toContain(url);
  });

  test("is found out by diagnose, beside one that is well", async () => {
    const { exitCode, stdout } = await runCli(
      "diagnose",
      ...identity,
      ...at(url),
      ...at(service.url),
    );
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/failed +http2 +no HTTP: /);
    expect(stdout).toMatch(/ok +members +2 members/);
  });

  test("keeps no file from being exported", async () => {
    const out = join(folder, "hosts");
    const args = ["export", "hosts", "--out", out, ...identity, ...at(url), ...at(service.url)];
    const exported = await runCli(...args);
    expect(exported.exitCode).toBe(0);
    expect(exported.stderr).toContain(url);
    expect(await readFile(out, "utf8")).toContain("good-go");
  });
});

test("two nodes of one name are one member, and the other is told of", async () => {
  await using twins = new Stage();
  const cluster = createCluster();
  await publishNodes(twins, cluster, () => "twin");
  const flags = ["--cluster-id", cluster.clusterId, "--cluster-secret-file", join(folder, "twins")];
  await writeFile(join(folder, "twins"), cluster.clusterSecret, { mode: 0o600 });
  const members = await runCli("get", "members", ...flags, ...at(service.url));
  expect(membersIn(members)).toEqual(["twin"]);
  expect(complaintOf(members)).toMatch(
    /^"twin" is the name of 2 nodes, listed is \w+: get affiliates has all$/,
  );
  const forget = await runCli("forget", "twin", "--yes", ...flags, ...at(service.url));
  expect(forget.exitCode).toBe(1);
  expect(forget.stderr).toContain("several nodes are called");
});

describe("with Kubernetes", () => {
  let api: KubeApi;
  let kubeconfig: string;

  beforeAll(async () => {
    api = stage.use(await KubeApi.start(inject("kubeApiServer")));
    kubeconfig = await writeKubeconfig(folder, api, { token: api.token("admin") });
  });

  test("a kubeconfig that is cut short or missing is told of, and the service's members are listed", async () => {
    const text = await readFile(kubeconfig, "utf8");
    const short = join(folder, "short");
    await writeFile(short, text.slice(0, text.indexOf("certificate-authority-data") + 60));
    const beside = [...identity, ...at(service.url), "--kubeconfig"];
    for (const [path, complaint] of [
      [short, `${short}:`],
      [join(folder, "none"), "none: no such file"],
    ] as const) {
      const listed = await runCli("get", "members", ...beside, path);
      expect(complaintOf(listed)).toContain(complaint);
      expect(membersIn(listed)).toEqual(["good-go", "good-ts"]);
      expect(listed.exitCode).toBe(0);
      const alone = await runCli("get", "members", "--kubeconfig", path);
      expect(alone).toMatchObject({ exitCode: 2, stdout: "" });
      expect(complaintOf(alone)).toContain(complaint);
    }
    const whole = await runCli("get", "members", ...beside, kubeconfig);
    expect(whole).toMatchObject({ exitCode: 0, stderr: "" });
  });

  test("annotations that do not parse are named, and the rest of their node and the other nodes are used", async () => {
    const nodeId = "2VfX3nu67ZtZPl57IdJrU87BMjVWkSBJiL9ulP9TCnF";
    const annotations = {
      [ANNOTATIONS.nodeId]: nodeId,
      [ANNOTATIONS.addresses]: "10.0.0.7,not an address,\u001b[2J",
      [ANNOTATIONS.apiServerPort]: "99999",
    };
    await api.create(nodeObject("half-good", { annotations }));
    const args = [...identity, ...at(service.url), "--kubeconfig", kubeconfig];
    const { exitCode, stdout, stderr } = await runCli("get", "affiliates", ...args);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(new RegExp(`^${nodeId} .*\\["10\\.0\\.0\\.7"\\]$`, "m"));
    expect(stdout.trimEnd().split("\n")).toHaveLength(4);
    for (const named of ["half-good", ANNOTATIONS.addresses, ANNOTATIONS.apiServerPort, "not an"]) {
      expect(stderr).toContain(named);
    }
    expect(stderr).toMatch(/^(talos-discovery: \P{Cc}+\n)+$/u);
  });
});
