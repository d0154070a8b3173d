import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { generateClusterSecret } from "../../../../src/crypto/index.ts";
import type { DiscoveryServer } from "../../../../src/node/serve.ts";
import { createTestFolder, type TestFolder } from "../../../harness/cli/test-folder.ts";
import { runCommand, startUntilTestEnds } from "../../../harness/cli/test-terminal.ts";
import { createTestCluster } from "../../../harness/cluster/published-nodes.ts";
import { startService } from "../../../harness/service/test-service.ts";

// Everything here happens at once; a busy machine takes its time.
vi.setConfig({ testTimeout: 20_000 });

const NOBODY = { url: "http://127.0.0.1:1" };
const REFUSED = /^talos-discovery: https?:\/\/127\.0\.0\.1:1: [^\n]*ECONNREFUSED[^\n]*\n$/;

let first: DiscoveryServer;
let second: DiscoveryServer;
let folder: TestFolder;

beforeAll(async () => {
  [first, second, folder] = await Promise.all([startService(), startService(), createTestFolder()]);
});

afterAll(async () => {
  await Promise.all([first.close(), second.close(), folder[Symbol.asyncDispose]()]);
});

const nameOf = ({ port }: DiscoveryServer) => `127.0.0.1:${port}`;

/** A server that is no discovery service, on a port of its own. */
async function listen(server: Server): Promise<{ readonly url: string }> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket.on("error", () => {})));
  server.listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const worker = (name: string, address: string) => ({
  nodename: name,
  hostname: `${name}.example`,
  machineType: "worker",
  operatingSystem: "Talos (v1.15.0)",
  addresses: [address],
});

/** First column of a table, without its header. */
const idsIn = (table: string) =>
  table
    .split("\n")
    .slice(1, -1)
    .map((row) => row.replace(/ .*/, ""));

describe("several services", () => {
  test("are one cluster: members of both, and each once", async () => {
    const cluster = createTestCluster();
    const both = cluster.environment(first, second);
    await cluster.publish(first, worker("w-1", "10.0.0.1"));
    await cluster.publish(second, worker("w-2", "10.0.0.2"));
    const nodeId = await cluster.publish(first, worker("w-3", "10.0.0.3"));
    await cluster.publish(second, { ...worker("w-3", "10.0.0.3"), nodeId });

    const members = await runCommand(["get", "members"], both);
    expect(members).toMatchObject({ exitCode: 0, stderr: "" });
    expect(idsIn(members.stdout)).toStrictEqual(["w-1", "w-2", "w-3"]);

    const raw = await runCommand(["get", "affiliates", "--namespace", "cluster-raw"], both);
    expect(idsIn(raw.stdout)).toContain(`service/${nodeId}`);
    expect(idsIn(raw.stdout)).toHaveLength(3);
    const one = await runCommand(
      ["get", "affiliates", `service/${nodeId}`, "--namespace", "cluster-raw", "-o", "json"],
      both,
    );
    expect(JSON.parse(one.stdout)).toMatchObject({
      metadata: { id: `service/${nodeId}`, namespace: "cluster-raw" },
      node: `${nameOf(first)},${nameOf(second)}`,
      spec: { nodeId, nodename: "w-3" },
    });
  });

  test("of which one is dead give what the other knows, with a notice that names it", async () => {
    const cluster = createTestCluster();
    await cluster.publish(first, worker("w-1", "10.0.0.1"));
    for (const services of [
      [NOBODY, first],
      [first, NOBODY],
    ]) {
      const { exitCode, stdout, stderr } = await runCommand(
        ["get", "members"],
        cluster.environment(...services),
      );
      expect(idsIn(stdout)).toStrictEqual(["w-1"]);
      expect(stderr).toMatch(REFUSED);
      expect(exitCode).toBe(0);
    }
  });

  test("that are all dead are a failure that names each", async () => {
    const cluster = createTestCluster();
    const { exitCode, stdout, stderr } = await runCommand(
      ["get", "members"],
      cluster.environment(NOBODY, { url: "http://127.0.0.1:2" }),
    );
    expect(stderr).toMatch(/^[^\n]*127\.0\.0\.1:1: [^\n]*; http:\/\/127\.0\.0\.1:2: [^\n]*\n$/);
    expect(stdout).toBe("");
    expect(exitCode).toBe(1);
  });

  test("of which one never answers are waited for as long as was asked", async () => {
    const cluster = createTestCluster();
    await cluster.publish(first, worker("w-1", "10.0.0.1"));
    const silent = await listen(createServer());
    expect(
      await runCommand(
        ["get", "members", "--timeout", "300ms", "-o", "jsonpath={.metadata.id}"],
        cluster.environment(silent, first),
      ),
    ).toStrictEqual({
      exitCode: 0,
      stdout: "w-1\n",
      stderr: `talos-discovery: ${silent.url}: no answer within 0.3 s\n`,
    });
  });

  test("of which one answers garbage give what the other knows", async () => {
    const cluster = createTestCluster();
    await cluster.publish(first, worker("w-1", "10.0.0.1"));
    const pages = await listen(
      createHttpServer((_, response) => response.end("<html><body>It works!</body></html>")),
    );
    const argv = ["get", "members"];
    const beside = await runCommand(argv, cluster.environment(pages, first));
    expect(idsIn(beside.stdout)).toStrictEqual(["w-1"]);
    expect(beside.stderr).toMatch(/^talos-discovery: [^\n]*\n$/);
    expect(beside.stderr).toContain(`${pages.url} speaks no HTTP/2: is this a discovery service?`);
    expect(beside.exitCode).toBe(0);

    const alone = await runCommand(argv, cluster.environment(pages));
    expect(alone.stderr).toBe(
      beside.stderr.replace(/\n$/, "; talos-discovery diagnose tells more\n"),
    );
    expect(alone.exitCode).toBe(1);
  });

  test("that list what another secret sealed are told apart from those that do not answer", async () => {
    const cluster = createTestCluster();
    const secret = generateClusterSecret();
    await cluster.publish(first, { ...worker("w-1", "10.0.0.1"), secret });
    const notice = "talos-discovery: 1 of 1 affiliates did not open: sealed with another secret\n";
    const failed = await runCommand(["get", "members"], cluster.environment(first, second));
    expect(failed).toStrictEqual({ exitCode: 1, stdout: "", stderr: notice });

    await cluster.publish(second, worker("w-2", "10.0.0.2"));
    const { exitCode, stdout, stderr } = await runCommand(
      ["get", "members"],
      cluster.environment(first, second),
    );
    expect(idsIn(stdout)).toStrictEqual(["w-2"]);
    expect(stderr).toBe(notice.replace("1 of 1", "1 of 2"));
    expect(exitCode).toBe(0);
  });

  test("are watched together: what any of them tells is an event, and a dead one a notice", async () => {
    const cluster = createTestCluster();
    const watching = startUntilTestEnds(
      ["get", "members", "-w"],
      cluster.environment(first, NOBODY, second),
    );
    await watching.printed(/no members yet/);
    await watching.printed(/^talos-discovery: .*127\.0\.0\.1:1: .*; again in \d\.\d s$/m);
    const nodeId = await cluster.publish(first, worker("w-1", "10.0.0.1"));
    await watching.printed(/^\+ {3}w-1 /m);
    await cluster.publish(second, worker("w-2", "10.0.0.2"));
    await watching.printed(/^\+ {3}w-2 /m);
    await cluster.publish(second, { ...worker("w-1", "10.0.0.9"), nodeId });
    await watching.printed(/^ {4}w-1 +2 .*10\.0\.0\.9/m);
    watching.interrupt();
    expect(await watching.exitCode).toBe(0);
    expect(watching.stdout().split("\n")).toHaveLength(5);
  });

  test("are watched for one resource alone where its ID is given", async () => {
    const cluster = createTestCluster();
    const watching = startUntilTestEnds(
      ["get", "member", "w-2", "-w", "-o", "jsonpath={.event} {.metadata.id} {.metadata.version}"],
      cluster.environment(first, second),
    );
    await watching.printed(/no members yet/);
    await cluster.publish(first, worker("w-1", "10.0.0.1"));
    await cluster.publish(second, worker("w-2", "10.0.0.2"));
    await watching.printed(/w-2/);
    expect(watching.stdout()).toBe("created w-2 1\n");
  });
});

describe("a cluster from --config", () => {
  test("is the same in both forms", async () => {
    const cluster = createTestCluster();
    await cluster.publish(first, worker("w-1", "10.0.0.1"));
    const secret = cluster.environment().env?.TALOS_DISCOVERY_CLUSTER_SECRET;
    const older = await folder.file(
      "older.yaml",
      `version: v1alpha1\ncluster:\n  id: ${cluster.id}\n  secret: ${secret}\n  clusterName: home\n` +
        `  discovery:\n    enabled: true\n    registries:\n      service:\n        endpoint: ${first.url}\n`,
    );
    const newer = await folder.file(
      "newer.yaml",
      `apiVersion: v1alpha1\nkind: DiscoveryIdentityConfig\nclusterID: ${cluster.id}\nclusterSecret: ${secret}\n` +
        [first, second]
          .map(
            ({ url }, index) =>
              `---\napiVersion: v1alpha1\nkind: DiscoveryServiceConfig\nname: s${index}\nendpoint: ${url}\n`,
          )
          .join(""),
    );
    for (const path of [older, newer]) {
      const { exitCode, stdout, stderr } = await runCommand(["get", "members", "--config", path]);
      expect(stderr).toBe("");
      expect(idsIn(stdout)).toStrictEqual(["w-1"]);
      expect(exitCode).toBe(0);
    }
    expect(await runCommand(["get", "infos", "--config", older])).toStrictEqual({
      exitCode: 0,
      stdout:
        `ID        VERSION   CLUSTER ID                                     CLUSTER NAME\n` +
        `current   1         ${cluster.id}   home\n`,
      stderr: "",
    });
  });

  test("that is wrong is wrong input, in one line without the secret", async () => {
    const secret = generateClusterSecret();
    const path = await folder.file(
      "wrong.yaml",
      `cluster:\n  id: a\n  secret: ${secret}\n  discovery: {enabled: 1}\nx: "${secret}\n`,
    );
    const { exitCode, stdout, stderr } = await runCommand(["get", "members", "--config", path]);
    expect(stderr).toMatch(
      /^talos-discovery: \S+wrong\.yaml: document 1, line \d: is no YAML: [^\n]+\n$/,
    );
    expect(stdout + stderr).not.toContain(secret.slice(0, 8));
    expect(exitCode).toBe(2);
  });
});

describe("members from --static", () => {
  const HOSTS = "- nodename: nas\n  addresses: [10.0.0.9]\n";

  test("stand beside those of services, and need no cluster alone", async () => {
    const path = await folder.file("hosts.yaml", HOSTS);
    const alone = await runCommand(["get", "members", "--static", path]);
    expect(alone).toMatchObject({ exitCode: 0, stderr: "" });
    expect(idsIn(alone.stdout)).toStrictEqual(["nas"]);

    const cluster = createTestCluster();
    await cluster.publish(first, worker("w-1", "10.0.0.1"));
    const beside = await runCommand(
      ["get", "affiliates", "--namespace", "cluster-raw", "--static", path, "-o", "json"],
      cluster.environment(first),
    );
    expect(beside.stdout.match(/"id": "(service|static)\//g)).toHaveLength(2);
    expect(beside.stdout).toContain(`"node": "${nameOf(first)},static"`);
  });

  test("that services know as well have version 1 for who looks once, whoever answered first", async () => {
    const cluster = createTestCluster();
    const nodeId = await cluster.publish(first, worker("w-1", "10.0.0.1"));
    await cluster.publish(second, { ...worker("w-1", "10.0.0.2"), nodeId });
    const path = await folder.file("known.yaml", `- nodeId: ${nodeId}\n  nodename: known\n`);
    const { stdout } = await runCommand(
      ["get", "affiliates", "--static", path, "-o", "json"],
      cluster.environment(first, second),
    );
    const { metadata, spec } = JSON.parse(stdout);
    expect(spec.nodename).toBe("known");
    expect(metadata).toStrictEqual({
      ...{ namespace: "cluster", type: "Affiliates.cluster.talos.dev", id: nodeId },
      ...{ version: 1, phase: "running" },
    });
  });

  test("go on where all services are dead", async () => {
    const path = await folder.file("beside-dead.yaml", HOSTS);
    const cluster = createTestCluster();
    const { exitCode, stdout, stderr } = await runCommand(
      ["get", "members", "--static", path],
      cluster.environment(NOBODY),
    );
    expect(idsIn(stdout)).toStrictEqual(["nas"]);
    expect(stderr).toMatch(REFUSED);
    expect(exitCode).toBe(0);
  });

  test("are followed while they are watched, and a bad file is a notice", async () => {
    const path = await folder.file("followed.yaml", HOSTS);
    const watching = startUntilTestEnds(["get", "members", "-w", "--static", path], {});
    await watching.printed(/^\+ {3}nas /m);
    await folder.file("followed.yaml", "nodename: nas\n");
    await watching.printed(/^talos-discovery: \S+followed\.yaml: .*still in force$/m);
    await folder.file("followed.yaml", `${HOSTS}- nodename: printer\n`);
    await watching.printed(/^\+ {3}printer /m);
    watching.interrupt();
    expect(await watching.exitCode).toBe(0);
  });

  test("from a bad file are wrong input", async () => {
    const path = await folder.file("bad-hosts.yaml", "- nodename: [a]\n");
    const { exitCode, stderr } = await runCommand(["get", "members", "--static", path]);
    expect(stderr).toMatch(/bad-hosts\.yaml: [^\n]*line 1[^\n]*\n$/);
    expect(exitCode).toBe(2);
  });
});

describe("a file that does not load", () => {
  const BROKEN: readonly (readonly [flag: string, text: string, complaint: RegExp])[] = [
    ["--kubeconfig", 'apiVersion: v1\nclusters:\n- cluster: {server: "ht', /broken:3: is not YAML/],
    ["--static", "- nodename: nas\n  adresses: []\n", /broken: line 2: \[0\]\.adresses: is no key/],
  ];

  test.each(BROKEN)(
    "%s is a notice beside a service that answers",
    async (name, text, complaint) => {
      const path = await folder.file("broken", text);
      const cluster = createTestCluster();
      await cluster.publish(first, worker("w-1", "10.0.0.1"));
      const argv = ["get", "members", name, path];
      const beside = await runCommand(argv, cluster.environment(first));
      expect(beside.stderr).toMatch(complaint);
      expect(beside.stderr.split("\n")).toHaveLength(2);
      expect(idsIn(beside.stdout)).toStrictEqual(["w-1"]);
      expect(beside.exitCode).toBe(0);
      const beforeDead = await runCommand(argv, cluster.environment(NOBODY));
      expect(beforeDead).toMatchObject({ exitCode: 1, stdout: "" });
      expect(beforeDead.stderr).toMatch(complaint);
      expect(beforeDead.stderr).toMatch(/ECONNREFUSED/);
    },
  );

  test("beside another one that does not either is wrong input", async () => {
    const files = ["--kubeconfig", folder.path("none"), "--static", folder.path("nothing")];
    const { exitCode, stderr } = await runCommand(["get", "members", ...files]);
    expect(stderr).toMatch(/none: no such file or directory\n$/);
    expect(exitCode).toBe(2);
  });

  test("is told while others are watched, and its hosts come when it is mended", async () => {
    const path = folder.path("late.yaml");
    const cluster = createTestCluster();
    await cluster.publish(first, worker("w-1", "10.0.0.1"));
    const argv = ["get", "members", "-w", "--static", path];
    const watching = startUntilTestEnds(argv, cluster.environment(first));
    await watching.printed(
      /^talos-discovery: \S+late\.yaml: no such file or directory; again in 2\.0 s$/m,
    );
    await watching.printed(/^\+ {3}w-1 /m);
    await folder.file("late.yaml", "- nodename: nas\n");
    await watching.printed(/^\+ {3}nas /m);
    await folder.file("late.yaml", "- nodename: nas\n- nodename: printer\n");
    await watching.printed(/^\+ {3}printer /m);
  });
});

describe("--kubeconfig", () => {
  test("that is no kubeconfig, or is cut short, is wrong input with a clear message", async () => {
    const missing = folder.path("no-kubeconfig");
    const cut = await folder.file(
      "kubeconfig",
      'apiVersion: v1\nclusters:\n- cluster: {server: "ht',
    );
    for (const path of [missing, cut]) {
      const { exitCode, stdout, stderr } = await runCommand([
        "get",
        "members",
        "--kubeconfig",
        path,
      ]);
      expect(stderr).toMatch(/^talos-discovery: \S+kubeconfig(:\d+)?: [^\n]+\n$/);
      expect(stdout).toBe("");
      expect(exitCode).toBe(2);
    }
  });

  test("of an API server that is dead is a notice beside a service that lives", async () => {
    const path = await folder.file(
      "dead-kubeconfig",
      "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n" +
        "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: [{name: u, user: {token: t}}]\n",
    );
    const cluster = createTestCluster();
    await cluster.publish(first, worker("w-1", "10.0.0.1"));
    const argv = ["get", "members", "--kubeconfig", path];
    const { exitCode, stdout, stderr } = await runCommand(argv, cluster.environment(first));
    expect(idsIn(stdout)).toStrictEqual(["w-1"]);
    expect(stderr).toMatch(REFUSED);
    expect(exitCode).toBe(0);
  });
});
