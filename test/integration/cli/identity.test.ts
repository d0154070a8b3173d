import { readFile, stat } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { firstMac } from "../../../src/cli/cluster/kubespan.ts";
import { kubespanAddress } from "../../../src/kubespan/index.ts";
import { createTestFolder } from "../../harness/cli/test-folder.ts";
import { runCommand } from "../../harness/cli/test-terminal.ts";

const NODE_ID = "sou7yy34ykX3n373Zw1DXKb8zD7UnyKT6HT3QDsGH6L";
const MACHINE_ID = "be871ac0d0dd31fa4caca753b0f3f1b2";

test("identity show prints the node ID and the machine ID", async () => {
  await using folder = await createTestFolder();
  const path = await folder.file("node-identity.yaml", `nodeId: ${NODE_ID}\n`);
  expect((await runCommand(["identity", "show", path])).stdout).toBe(
    `NODE ID                                       MACHINE ID\n${NODE_ID}   ${MACHINE_ID}\n`,
  );
  expect((await runCommand(["identity", "show", path, "-o", "yaml"])).stdout).toBe(
    `nodeId: ${NODE_ID}\nmachineId: ${MACHINE_ID}\n`,
  );
  expect((await runCommand(["identity", "show", path, "-o", "json"])).stdout).toBe(
    `{\n    "machineId": "${MACHINE_ID}",\n    "nodeId": "${NODE_ID}"\n}\n`,
  );
});

test("identity new writes a file that identity show reads, and never overwrites", async () => {
  await using folder = await createTestFolder();
  const path = folder.path("node-identity.yaml");
  const { exitCode, stdout } = await runCommand(["identity", "new", "--out", path]);
  expect(exitCode).toBe(0);
  expect((await runCommand(["identity", "show", path])).stdout).toBe(stdout);
  expect((await stat(path)).mode & 0o777).toBe(0o600);

  const text = await readFile(path, "utf8");
  const again = await runCommand(["identity", "new", "--out", path]);
  expect(again.stderr).toMatch(path);
  expect(again.exitCode).toBe(2);
  expect(await readFile(path, "utf8")).toBe(text);
});

test("identity new without a file makes another identity each time", async () => {
  const { stdout } = await runCommand(["identity", "new", "-o", "yaml"]);
  expect(stdout).toMatch(/^nodeId: [A-Za-z0-9]{43,45}\nmachineId: [0-9a-f]{32}\n$/);
  expect((await runCommand(["identity", "new", "-o", "yaml"])).stdout).not.toBe(stdout);
});

test("get identities shows the local one, under any of its names", async () => {
  await using folder = await createTestFolder();
  const path = await folder.file("node-identity.yaml", `nodeId: ${NODE_ID}\n`);
  for (const name of ["identities", "identity", "i", "Identities.cluster.talos.dev"]) {
    expect((await runCommand(["get", name, "--identity", path])).stdout).toBe(
      `ID      VERSION   ID\nlocal   1         ${NODE_ID}\n`,
    );
  }
  const env = {
    TALOS_DISCOVERY_IDENTITY: path,
    TALOS_DISCOVERY_OUTPUT: "yaml",
    TALOS_DISCOVERY_WATCH: "1",
  };
  expect((await runCommand(["get", "identity", "local"], { env })).stdout).toBe(
    "node: localhost\nmetadata:\n    namespace: cluster\n    type: Identities.cluster.talos.dev\n" +
      `    id: local\n    version: 1\n    phase: running\nspec:\n    nodeId: ${NODE_ID}\n`,
  );
  const other = await runCommand(["get", "identity", "other"], { env });
  expect(other.stderr).toBe('talos-discovery: identities "other": not found\n');
  expect(other.exitCode).toBe(1);
});

describe("an identity in the KubeSpan mesh", () => {
  const CLUSTER_ID = "8XuV9TZHW08DOk3bVxQjH9ih_TBKjnh-j44tsCLSBzo=";
  const MAC = ["--mac", "2e:1a:b6:53:81:69"];
  const NEW = ["identity", "new", "--kubespan"];

  test("is made for a cluster and a network card, and shown without its private key", async () => {
    await using folder = await createTestFolder();
    const path = folder.path("kubespan-identity.yaml");
    const made = await runCommand([...NEW, "--cluster-id", CLUSTER_ID, ...MAC, "--out", path]);
    expect(made).toMatchObject({ exitCode: 0, stderr: `talos-discovery: wrote ${path}\n` });
    expect(made.stdout).toMatch(
      /^ADDRESS +SUBNET +PUBLICKEY\nfd7f:175a:b97c:5602:2c1a:b6ff:fe53:8169\/128 +fd7f:175a:b97c:5602::\/64 +\S{43}=\n$/,
    );
    const [, privateKey = ""] = /privateKey: (\S+)/.exec(await readFile(path, "utf8")) ?? [];
    expect(privateKey).toHaveLength(44);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    for (const format of ["table", "json", "yaml"]) {
      const shown = await runCommand(["identity", "show", "--kubespan", path, "-o", format]);
      expect(shown.exitCode).toBe(0);
      expect(shown.stdout + shown.stderr).not.toContain(privateKey);
    }
    const again = await runCommand([...NEW, "--cluster-id", CLUSTER_ID, "--out", path]);
    expect(again).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(`${path}: exists`),
    });
  });

  test("takes the cluster from its configuration, and this machine's first network card", async () => {
    await using folder = await createTestFolder();
    const config = await folder.file(
      "cluster.yaml",
      `apiVersion: v1alpha1\nkind: DiscoveryIdentityConfig\nclusterID: ${CLUSTER_ID}\nclusterSecret: ${"A".repeat(43)}=\n`,
    );
    const path = folder.path("kubespan-identity.yaml");
    const made = await runCommand([...NEW, "--config", config, "--out", path, "-o", "yaml"]);
    const address = kubespanAddress("fd7f:175a:b97c:5602::/64", firstMac());
    expect(made.stdout).toMatch(`address: ${address}/128\nsubnet: fd7f:175a:b97c:5602::/64\n`);
  });

  test.each([
    [
      "without a file for its private key",
      ["--cluster-id", CLUSTER_ID, ...MAC],
      "--out is missing",
    ],
    ["without a cluster", ["--out", "x", ...MAC], "--cluster-id is missing"],
    [
      "with a MAC that is none",
      ["--cluster-id", "c", "--out", "x", "--mac", "eth0"],
      '"eth0" is not a MAC',
    ],
  ])("is not made %s", async (_, args, why) => {
    const { exitCode, stderr } = await runCommand([...NEW, ...args]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(why);
  });

  test("is told from a node's identity", async () => {
    await using folder = await createTestFolder();
    const path = await folder.file("node-identity.yaml", `nodeId: ${NODE_ID}\n`);
    const { exitCode, stderr } = await runCommand(["identity", "show", "--kubespan", path]);
    expect([exitCode, stderr]).toEqual([2, `talos-discovery: ${path}: no address\n`]);
  });
});

describe("the first network card", () => {
  const card = (mac: string, internal = false) => [
    { address: "10.0.0.1", netmask: "", family: "IPv4" as const, mac, internal, cidr: null },
  ];

  test("is none of the machine's own, and no tunnel", () => {
    const interfaces = {
      lo: card("00:00:00:00:00:00", true),
      tun0: card("00:00:00:00:00:00"),
      eth0: card("2e:1a:b6:53:81:69"),
      eth1: card("2e:1a:b6:53:81:70"),
    };
    expect(firstMac(() => interfaces)).toBe("2e:1a:b6:53:81:69");
    expect(() => firstMac(() => ({ tun0: interfaces.tun0 }))).toThrow("--mac");
  });
});
