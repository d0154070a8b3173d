import { chmod, mkdir, rename } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { generatePrivateKey, publicKeyOf } from "../../../../src/kubespan/index.ts";
import { createKubeSpanIdentity, createNodeIdentity } from "../../../../src/node/index.ts";
import type { DiscoveryServer } from "../../../../src/node/serve.ts";
import { createTestFolder, type TestFolder } from "../../../harness/cli/test-folder.ts";
import { runCommand, startCommand } from "../../../harness/cli/test-terminal.ts";
import { createTestCluster, type TestCluster } from "../../../harness/cluster/published-nodes.ts";
import { startService } from "../../../harness/service/test-service.ts";

vi.setConfig({ testTimeout: 20_000 });

let service: DiscoveryServer;
let folder: TestFolder;

beforeAll(async () => {
  [service, folder] = await Promise.all([startService(), createTestFolder()]);
});

afterAll(async () => {
  await Promise.all([service.close(), folder[Symbol.asyncDispose]()]);
});

const newKey = () => publicKeyOf(generatePrivateKey());

/** A node in the mesh. @returns Its public key and node ID. */
async function publishPeer(
  cluster: TestCluster,
  number: number,
  more: { readonly nodeId?: string; readonly publicKey?: string } = {},
): Promise<{ publicKey: string; nodeId: string }> {
  const publicKey = more.publicKey ?? newKey();
  const nodeId = await cluster.publish(service, {
    ...more,
    nodename: `w-${number}`,
    addresses: [`10.0.0.${number}`],
    kubespan: { publicKey, address: `fd00::${number}` },
    endpoints: [`192.0.2.${number}:51820`],
  });
  return { publicKey, nodeId };
}

describe("kubespanpeerspecs", () => {
  test("are the peers of a node, or of nobody", async () => {
    const cluster = createTestCluster();
    const identity = folder.path("node-identity.yaml");
    const { nodeId } = await createNodeIdentity(identity);
    const local = await publishPeer(cluster, 1, { nodeId });
    const other = await publishPeer(cluster, 2);
    const environment = cluster.environment(service);

    const all = await runCommand(["get", "kubespanpeerspecs"], environment);
    expect(all.stdout).toMatch(/^ID +VERSION +LABEL +ENDPOINTS\n/);
    expect(all.stdout).toContain(`${local.publicKey}   1         w-1     ["192.0.2.1:51820"]\n`);
    expect(all.stdout.split("\n")).toHaveLength(4);

    const argv = ["get", "ksps", "--identity", identity, "-o", "json"];
    const peers = await runCommand(argv, environment);
    expect(peers.stderr).toBe("");
    expect(JSON.parse(peers.stdout)).toMatchObject({
      metadata: {
        id: other.publicKey,
        namespace: "kubespan",
        type: "KubeSpanPeerSpecs.kubespan.talos.dev",
      },
      spec: {
        address: "fd00::2",
        allowedIps: ["10.0.0.2/32", "fd00::2/128"],
        endpoints: ["192.0.2.2:51820"],
        label: "w-2",
      },
    });
  });

  test("tell once of what is no key, and go on with the rest", async () => {
    const cluster = createTestCluster();
    const { nodeId } = await publishPeer(cluster, 1, { publicKey: "no key" });
    const watching = startCommand(["get", "ksps", "-w"], cluster.environment(service));
    onTestFinished(watching.interrupt);
    await watching.printed(/no kubespanpeerspecs yet/);
    const { publicKey } = await publishPeer(cluster, 2);
    await watching.printed(/^\+ .* w-2 /m);
    await publishPeer(cluster, 3);
    await watching.printed(/^\+ .* w-3 /m);
    watching.interrupt();
    expect(await watching.exitCode).toBe(0);
    expect(watching.stdout()).toContain(publicKey);
    expect(watching.stderr().match(/is no peer/g)).toHaveLength(1);
    expect(watching.stderr()).toContain(`affiliate ${nodeId} is no peer: its public key is none`);
  });
});

describe("WireGuard on this machine", () => {
  interface FakePeer {
    readonly publicKey: string;
    readonly endpoint?: string;
    readonly handshakeAtMs?: number;
    readonly bytes?: readonly [number, number];
  }

  /** A `wg` that prints what WireGuard would: kernels of test machines rarely have it. @returns The folder, for PATH. */
  async function fakeWg(peers: readonly FakePeer[], name = "wg"): Promise<string> {
    const lines = peers.map(
      ({ publicKey, endpoint = "(none)", handshakeAtMs = 0, bytes = [0, 0] }) =>
        [
          ...[publicKey, "(none)", endpoint, "10.0.0.2/32", Math.floor(handshakeAtMs / 1000)],
          ...[...bytes, "25"],
        ].join("\t"),
    );
    const dump = [`${newKey()}\t${newKey()}\t51820\t0x20`, ...lines].join("\n");
    await mkdir(folder.path(name), { recursive: true });
    const path = await folder.file(
      `${name}/wg.new`,
      `#!/bin/sh\n[ "$*" = "show kubespan dump" ] || { echo "Unable to access interface: No such device" >&2; exit 1; }\n` +
        `cat <<'END'\n${dump}\nEND\n`,
    );
    await chmod(path, 0o700);
    // Whoever runs it just now keeps the old one.
    await rename(path, folder.path(`${name}/wg`));
    return `${folder.path(name)}:/usr/bin:/bin`;
  }

  test("gives kubespanpeerstatuses, with names where a cluster is given", async () => {
    const cluster = createTestCluster();
    const up = await publishPeer(cluster, 1);
    const stranger = newKey();
    const unreachable = newKey();
    const PATH = await fakeWg([
      {
        publicKey: up.publicKey,
        endpoint: "192.0.2.1:51820",
        handshakeAtMs: Date.now() - 10_000,
        bytes: [1234, 567],
      },
      { publicKey: stranger },
      { publicKey: unreachable, endpoint: "192.0.2.9:51820", handshakeAtMs: Date.now() - 300_000 },
    ]);
    const argv = ["get", "kubespanpeerstatuses", "-o"];
    const template = "jsonpath={.metadata.id} {.spec.label} {.spec.endpoint} {.spec.state}";
    const environment = cluster.environment(service);
    const known = await runCommand([...argv, template], { env: { ...environment.env, PATH } });
    expect(known.stderr).toBe("");
    expect(known.stdout.trimEnd().split("\n").sort()).toStrictEqual(
      [
        `${up.publicKey} w-1 192.0.2.1:51820 up`,
        `${stranger}   unknown`,
        `${unreachable}  192.0.2.9:51820 down`,
      ].sort(),
    );

    const table = await runCommand([...argv, "wide"], { env: { PATH } });
    expect(table.stdout).toMatch(/^NAMESPACE +TYPE +ID +VERSION +LABEL +ENDPOINT +STATE +RX +TX\n/);
    expect(table.stdout).toMatch(
      /^kubespan +KubeSpanPeerStatus +\S+ +1 +192\.0\.2\.1:51820 +up +1234 +567$/m,
    );
    expect(table.exitCode).toBe(0);
  });

  test("gives kubespanendpoints: where peers are that are up", async () => {
    const cluster = createTestCluster();
    const up = await publishPeer(cluster, 1);
    const down = await publishPeer(cluster, 2);
    const PATH = await fakeWg(
      [
        { publicKey: up.publicKey, endpoint: "198.51.100.1:1234", handshakeAtMs: Date.now() },
        { publicKey: down.publicKey, endpoint: "192.0.2.2:51820" },
      ],
      "wg-endpoints",
    );
    const { env } = cluster.environment(service);
    expect(await runCommand(["get", "kse"], { env: { ...env, PATH } })).toStrictEqual({
      exitCode: 0,
      stdout:
        `${"ID".padEnd(44)}   VERSION   ENDPOINT            AFFILIATE ID\n` +
        `${up.publicKey}   1         198.51.100.1:1234   ${up.nodeId}\n`,
      stderr: "",
    });
  });

  test("is looked at again while it is watched", async () => {
    const publicKey = newKey();
    const PATH = await fakeWg([{ publicKey, endpoint: "192.0.2.1:51820" }], "wg-watched");
    const watching = startCommand(["get", "kubespanpeerstatuses", "-w"], { env: { PATH } });
    onTestFinished(watching.interrupt);
    await watching.printed(/^\+ .* 192\.0\.2\.1:51820 +down /m);
    await fakeWg(
      [{ publicKey, endpoint: "198.51.100.7:9", handshakeAtMs: Date.now() + 60_000 }],
      "wg-watched",
    );
    await watching.printed(/^ {4}\S+ +2 +198\.51\.100\.7:9 +up /m);
    watching.interrupt();
    expect(await watching.exitCode).toBe(0);
    expect(watching.stderr()).toBe("");
  });

  test("that is not there is a clear error", async () => {
    const argv = ["get", "kubespanpeerstatuses"];
    const none = await runCommand(argv, { env: { PATH: folder.path("nowhere") } });
    expect(none.stderr).toBe(
      "talos-discovery: interface kubespan: there is no wg: install wireguard-tools\n",
    );
    expect(none.exitCode).toBe(1);

    const PATH = await fakeWg([], "wg-other");
    const other = await runCommand([...argv, "--interface", "wg7"], { env: { PATH } });
    expect(other.stderr).toBe(
      "talos-discovery: interface wg7: there is no such WireGuard interface; see --interface\n",
    );
    expect(other.exitCode).toBe(1);

    for (const name of ["all", "interfaces", "-x", "a/b", "x".repeat(16)]) {
      const { exitCode, stderr } = await runCommand([...argv, `--interface=${name}`]);
      expect(stderr).toBe("talos-discovery: --interface: is no name of a network interface\n");
      expect(exitCode).toBe(2);
    }
  });

  test("beside a cluster that cannot be asked is wrong input, watched or not", async () => {
    const PATH = await fakeWg([], "wg-beside");
    const path = await folder.file("hosts.yaml", "nodename: a\n");
    for (const more of [[], ["-w"]]) {
      const argv = ["get", "kubespanpeerstatuses", "--static", path, ...more];
      const { exitCode, stdout, stderr } = await runCommand(argv, { env: { PATH } });
      expect(stderr).toMatch(/^talos-discovery: \S+hosts\.yaml: line 1: is no list\n$/);
      expect(stdout).toBe("");
      expect(exitCode).toBe(2);
    }
  });

  test("that says what cannot be understood is a failure without its keys", async () => {
    await mkdir(folder.path("wg-garbage"), { recursive: true });
    const key = newKey();
    const path = await folder.file("wg-garbage/wg", `#!/bin/sh\necho "${key} ${key}"\n`);
    await chmod(path, 0o700);
    const env = { PATH: `${folder.path("wg-garbage")}:/bin` };
    const { exitCode, stdout, stderr } = await runCommand(["get", "kubespanpeerstatuses"], { env });
    expect(stderr).toMatch(/^talos-discovery: interface kubespan: wg show dump, line 1: [^\n]+\n$/);
    expect(stdout + stderr).not.toContain(key);
    expect(exitCode).toBe(1);
  });
});

describe("kubespanidentities", () => {
  test("are what --kubespan-identity has, without the private key", async () => {
    const path = folder.path("kubespan-identity.yaml");
    const { privateKey, publicKey, address } = await createKubeSpanIdentity(path, {
      clusterId: "8XuV9TZHW08DOk3bVxQjH9ih_TBKjnh-j44tsCLSBzo=",
      mac: "2e:1a:b6:53:81:69",
    });
    const argv = ["get", "kubespanidentities", "--kubespan-identity", path];
    const table = await runCommand(argv);
    expect(table.stdout).toBe(
      `ID      VERSION   ${"ADDRESS".padEnd(address.length)}   PUBLICKEY\n` +
        `local   1         ${address}   ${publicKey}\n`,
    );
    for (const format of ["json", "yaml", "jsonpath={@}"]) {
      const { exitCode, stdout } = await runCommand([...argv, "-o", format]);
      expect(stdout).toContain(publicKey);
      expect(stdout).not.toContain(privateKey);
      expect(exitCode).toBe(0);
    }
    expect(await runCommand([...argv, "-w"])).toMatchObject({
      exitCode: 2,
      stderr: "talos-discovery: --watch: kubespanidentities do not change\n",
    });
  });
});
