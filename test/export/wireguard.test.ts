/** `export wireguard` read by WireGuard's own tools, and two machines that find each other by it. */
import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import {
  generatePrivateKey,
  harvestEndpoints,
  type KubeSpanIdentity,
  nextEndpoint,
  otherEndpointsOf,
  peerState,
  publicKeyOf,
  wireguardConfig,
} from "../../src/kubespan/index.ts";
import { createAffiliateSpec } from "../../src/resources/index.ts";
import { hostileMembers } from "../harness/cluster/hostile-members.ts";
import type { PublishedNode } from "../harness/cluster/published-nodes.ts";
import { OUR_CLI } from "../harness/paths.ts";
import { createExportDesk, type ExportDesk } from "./exporting.ts";
import { buildWireguard, connect, createMachine, INTERFACE } from "./mesh-machine.ts";

const BUILD_LIMIT_MS = 600_000;

/** A service on the machine that has this address. */
const SERVE = [
  ...["serve", "--addr=10.77.0.1:3000", "--landing-addr=off", "--metrics-addr=off"],
  "--snapshots-enabled=false",
];

let wireguard: string;

beforeAll(async () => {
  wireguard = await buildWireguard();
}, BUILD_LIMIT_MS);

/** Runs `wg` with text on its stdin. */
function wg(args: readonly string[], input = ""): string {
  const { stdout, stderr, status } = spawnSync("wg", args, { input, encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return stdout.trim();
}

/** A node of the mesh, with an identity file as the command makes it. */
interface MeshNode {
  readonly identity: Pick<KubeSpanIdentity, "address" | "publicKey">;
  readonly identityFile: string;
  readonly nodeId: string;
}

async function publishNode(
  desk: ExportDesk,
  name: string,
  address: string,
  endpoints: readonly string[] = [`${address}:51820`],
): Promise<MeshNode> {
  const identityFile = join(desk.folder, `${name}-identity.yaml`);
  const mac = `02:00:00:00:00:${address.split(".").at(-1)?.padStart(2, "0")}`;
  const made = await desk.run(
    process.execPath,
    ...[OUR_CLI, "identity", "new", "--kubespan", "--mac", mac],
    ...["--out", identityFile, "-o", "yaml"],
  );
  const identity = parse(made) as KubeSpanIdentity;
  const nodeId = await desk.cluster.publish(desk.service, {
    nodename: name,
    addresses: [address],
    kubespan: { publicKey: identity.publicKey, address: identity.address.replace("/128", "") },
    endpoints,
  });
  return { identity, identityFile, nodeId };
}

/** Exports into a file that is named after the interface, in a folder of the node's own. */
async function exportTo(
  desk: ExportDesk,
  { identityFile }: MeshNode,
  ...args: readonly string[]
): Promise<string> {
  const folder = `${identityFile}.d`;
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${INTERFACE}.conf`);
  await desk.export("wireguard", "--kubespan-identity", identityFile, "--out", path, ...args);
  return path;
}

test("wg makes the same public keys, of its own private keys and of ours", () => {
  for (let i = 0; i < 10; i++) {
    const ours = generatePrivateKey();
    expect(wg(["pubkey"], ours)).toBe(publicKeyOf(ours));
    const theirs = wg(["genkey"]);
    expect(publicKeyOf(theirs)).toBe(wg(["pubkey"], theirs));
  }
});

test("wg-quick strips the one form to the other", async () => {
  const desk = await createExportDesk();
  const node = await publishNode(desk, "me", "10.77.0.1");
  await publishNode(desk, "other", "10.77.0.2");
  const quick = await exportTo(desk, node);
  const stripped = await desk.run("wg-quick", "strip", quick);
  const plain = await exportTo(desk, node, "--form", "syncconf");
  // The tool ends with an empty line.
  expect(stripped).toBe(`${await readFile(plain, "utf8")}\n`);
});

test("two machines shake hands, reach each other by all of their addresses, and meet a third", async () => {
  const desk = await createExportDesk();
  const [a, b] = [await createMachine(wireguard), await createMachine(wireguard)];
  await connect([a, "10.77.0.1"], [b, "10.77.0.2"]);
  const nodeA = await publishNode(desk, "a", "10.77.0.1");
  const nodeB = await publishNode(desk, "b", "10.77.0.2");

  const endpointChangedAtMs = Math.floor(Date.now() / 1000) * 1000;
  const configA = await exportTo(desk, nodeA);
  await a.run("wg-quick", "up", configA);
  await b.run("wg-quick", "up", await exportTo(desk, nodeB));
  const stateOf = async (machine: typeof a, { identity }: MeshNode) => {
    const seen = (await machine.wireguard()).peers.get(identity.publicKey);
    return peerState({ ...seen, endpointChangedAtMs }, Date.now());
  };
  await expect.poll(() => stateOf(a, nodeB)).toBe("up");
  await expect.poll(() => stateOf(b, nodeA)).toBe("up");

  const seen = await a.wireguard();
  expect(seen).toMatchObject({ listenPort: 51_820, firewallMark: 0x20 });
  expect(seen.publicKey).toBe(nodeA.identity.publicKey);
  expect(seen.peers.get(nodeB.identity.publicKey)).toMatchObject({
    endpoint: "10.77.0.2:51820",
    allowedIps: ["10.77.0.2/32", nodeB.identity.address],
    keepaliveSeconds: 25,
  });

  // A web server says who asks: packets to the node's own address go through the mesh too, and find their way back.
  const script =
    'require("http").createServer((q, s) => s.end(q.socket.remoteAddress)).listen(8080, "::", () => console.log("on"))';
  const server = b.start(process.execPath, "-e", script);
  await server.until("on", () => server.events.find((line) => line === "on"));
  const ask = (host: string): Promise<string> =>
    a.run(
      process.execPath,
      ...["-e", `fetch("http://${host}:8080").then((r) => r.text()).then(console.log)`],
    );
  const addressOf = ({ identity }: MeshNode): string => identity.address.replace("/128", "");
  expect(await ask(`[${addressOf(nodeB)}]`)).toBe(`${addressOf(nodeA)}\n`);
  const receivedBytes = async () =>
    (await b.wireguard()).peers.get(nodeA.identity.publicKey)?.receivedBytes ?? 0;
  const before = await receivedBytes();
  expect(await ask("10.77.0.2")).toBe("::ffff:10.77.0.1\n");
  expect(await receivedBytes()).toBeGreaterThan(before);

  // What A saw of B is what it would report to the others.
  const affiliates = [
    createAffiliateSpec({
      nodeId: nodeB.nodeId,
      kubespan: { publicKey: nodeB.identity.publicKey },
    }),
  ];
  const peers = Array.from((await a.wireguard()).peers, ([key, { endpoint }]) => {
    return [key, { state: "up" as const, endpoint }] as const;
  });
  expect(otherEndpointsOf(harvestEndpoints(new Map(peers), affiliates))).toEqual([
    { nodeId: nodeB.nodeId, endpoints: ["10.77.0.2:51820"] },
  ]);

  const handshake = (await a.wireguard()).peers.get(nodeB.identity.publicKey)?.lastHandshakeAtMs;
  const third = await publishNode(desk, "c", "10.77.0.3");
  await a.run("wg", "syncconf", INTERFACE, await exportTo(desk, nodeA, "--form", "syncconf"));
  const synced = (await a.wireguard()).peers;
  expect(synced.get(third.identity.publicKey)?.endpoint).toBe("10.77.0.3:51820");
  expect(synced.get(nodeB.identity.publicKey)?.lastHandshakeAtMs).toBeGreaterThanOrEqual(
    handshake ?? Number.POSITIVE_INFINITY,
  );

  await a.run("wg-quick", "down", await exportTo(desk, nodeA));
  for (const family of ["-4", "-6"]) {
    expect(await a.run("ip", family, "rule")).not.toContain("180");
  }
});

test("machines that join with --kubespan make a mesh, and see by get that it is up", async () => {
  const desk = await createExportDesk();
  const [a, b] = [await createMachine(wireguard), await createMachine(wireguard)];
  await connect([a, "10.77.0.1"], [b, "10.77.0.2"]);
  const service = a.start(process.execPath, OUR_CLI, ...SERVE);
  await service.until("listening", () => service.events.find((line) => /listening/i.test(line)));
  const cluster = join(desk.folder, "cluster.yaml");
  await desk.run(process.execPath, OUR_CLI, "cluster", "new", "--out", cluster);
  const where = ["--config", cluster, "--service", "http://10.77.0.1:3000"];
  const machines = [["a", a] as const, ["b", b] as const];
  const identityOf = (name: string) => join(desk.folder, `${name}.yaml`);

  for (const [name, machine] of machines) {
    const joined = machine.start(
      process.execPath,
      ...[OUR_CLI, "join", ...where, "--nodename", name],
      ...["--kubespan", "--kubespan-identity", identityOf(name)],
    );
    await joined.until("registered", () => joined.events.find((line) => /registered/.test(line)));
  }
  for (const [name, machine] of machines) {
    const folder = join(desk.folder, name);
    await mkdir(folder);
    const path = join(folder, `${INTERFACE}.conf`);
    const identity = ["--kubespan-identity", identityOf(name)];
    const command = [OUR_CLI, "export", "wireguard", ...where, ...identity, "--out", path];
    await machine.run(process.execPath, ...command);
  }
  // Only now: a machine in the mesh speaks to the others through the mesh alone.
  for (const [name, machine] of machines) {
    await machine.run("wg-quick", "up", join(desk.folder, name, `${INTERFACE}.conf`));
  }
  // B's calls to the service go through the mesh as well, to the address of A's wire.
  const peers = async (): Promise<string> =>
    b.run(process.execPath, OUR_CLI, "get", "kubespanpeerstatuses", ...where);
  await expect
    .poll(peers)
    .toMatch(/^ID +VERSION +LABEL +ENDPOINT +STATE.*\n\S+= +1 +a +10\.77\.0\.1:51820 +up /);
});

test("a peer that does not answer at one endpoint is reached at its next", async () => {
  const desk = await createExportDesk();
  const [a, b] = [await createMachine(wireguard), await createMachine(wireguard)];
  await connect([a, "10.77.0.1"], [b, "10.77.0.2"]);
  const endpoints = ["10.77.0.99:51820", "10.77.0.2:51820"];
  const nodeA = await publishNode(desk, "a", "10.77.0.1");
  const nodeB = await publishNode(desk, "b", "10.77.0.2", endpoints);
  await a.run("wg-quick", "up", await exportTo(desk, nodeA));
  // B cannot find A by itself.
  await b.run("wg-quick", "up", await exportTo(desk, nodeB, "--cidr", "203.0.113.0/24"));

  const key = nodeB.identity.publicKey;
  const seen = (await a.wireguard()).peers.get(key);
  expect(seen?.endpoint).toBe(endpoints[0]);
  const endpointChangedAtMs = Date.now();
  const stateAfter = (ms: number) =>
    peerState({ ...seen, endpointChangedAtMs }, endpointChangedAtMs + ms);
  expect([stateAfter(15_000), stateAfter(15_001)]).toEqual(["unknown", "down"]);
  const next = nextEndpoint({ endpoints, lastUsed: seen?.endpoint, state: stateAfter(15_001) });
  expect(next).toBe(endpoints[1]);

  await a.run("wg", "set", INTERFACE, "peer", key, "endpoint", next ?? "");
  await expect
    .poll(async () => (await a.wireguard()).peers.get(key)?.lastHandshakeAtMs)
    .toBeGreaterThan(0);
});

test("wg-quick runs nothing of hostile members, and routes them only what is allowed", async () => {
  const networks = ["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "10.244.7.0/24"];
  const nodes = (folder: string): PublishedNode[] =>
    hostileMembers(`touch ${folder}/ran`).map((member, index) => ({
      ...member,
      kubespan: {
        publicKey: publicKeyOf(Buffer.alloc(32, index + 1).toString("base64")),
        additionalAddresses: index === 1 ? networks : [],
      },
      endpoints: [`10.0.0.1:${index + 1}`],
    }));
  const desk = await createExportDesk(nodes);
  const me = await publishNode(desk, "me", "10.77.0.1");
  const allowed = ["--allowed-network", "10.244.0.0/16"];
  const quick = await exportTo(desk, me, ...allowed);
  const stripped = await desk.run("wg-quick", "strip", quick);
  const plain = await exportTo(desk, me, "--form", "syncconf", ...allowed);
  expect(stripped).toBe(`${await readFile(plain, "utf8")}\n`);

  const machine = await createMachine(wireguard);
  await machine.run("wg-quick", "up", await exportTo(desk, me, ...allowed));
  const othersThanOwn = async () => {
    const { peers } = await machine.wireguard();
    expect(peers.size).toBe(nodes(desk.folder).length);
    const allowedIps = [...peers.values()].flatMap((peer) => peer.allowedIps);
    return allowedIps.filter((prefix) => !/^10\.66\.\d+\.\d+\/32$/.test(prefix));
  };
  expect(await othersThanOwn()).toEqual(["10.244.7.0/24"]);
  const everything = ["--form", "syncconf", "--allowed-network", "0.0.0.0/0,::/0"];
  await machine.run("wg", "syncconf", INTERFACE, await exportTo(desk, me, ...everything));
  // Peers before the one that advertises it keep their own addresses.
  expect(await othersThanOwn()).toEqual(expect.arrayContaining(["::/0", "128.0.0.0/1"]));
  expect(await readdir(desk.folder)).not.toContain("ran");
});

test("wg takes a configuration with hundreds of peers", async () => {
  const desk = await createExportDesk();
  const machine = await createMachine(wireguard);
  const privateKey = generatePrivateKey();
  const address = "fd00:0:0:2::1/128";
  const peers = new Map(
    Array.from({ length: 300 }, (_, i) => {
      const key = Buffer.alloc(32, 1);
      key.writeUInt16BE(i, 4);
      const ip = `fd00:0:0:2::${(i + 2).toString(16)}`;
      const peer = { address: ip, allowedIps: [`${ip}/128`], endpoints: [], label: `node-${i}` };
      return [key.toString("base64"), peer] as const;
    }),
  );
  const identity = { privateKey, address };
  const clusterSecret = Buffer.alloc(32, 2).toString("base64");
  const path = join(desk.folder, `${INTERFACE}.conf`);
  const text = wireguardConfig(identity, peers, { form: "wg-quick", clusterSecret });
  await writeFile(path, text, { mode: 0o600 });
  await machine.run("wg-quick", "up", path);
  const seen = (await machine.wireguard()).peers;
  expect(new Set(seen.keys())).toEqual(new Set(peers.keys()));
  for (const [key, { allowedIps }] of seen) expect(allowedIps).toEqual(peers.get(key)?.allowedIps);
});
