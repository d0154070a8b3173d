import { describe, expect, test } from "vitest";
import { limitNetworks } from "../../../../src/cli/export/mesh-networks.ts";
import { WIREGUARD } from "../../../../src/cli/export/wireguard.ts";
import { kubespanSubnet, publicKeyOf } from "../../../../src/kubespan/index.ts";
import { parsePrefix } from "../../../../src/net/prefix.ts";
import { createKubeSpanIdentity } from "../../../../src/node/index.ts";
import { type AffiliateSource, createAffiliateSpec } from "../../../../src/resources/index.ts";
import { createTestFolder } from "../../../harness/cli/test-folder.ts";
import { hostileMembers } from "../../../harness/cluster/hostile-members.ts";
import { render } from "./rendering.ts";

const CLUSTER = { id: "mesh", secret: Buffer.alloc(32, 1).toString("base64") };
const KEYS = [1, 2, 3].map((byte) => publicKeyOf(Buffer.alloc(32, byte).toString("base64")));

const PEERS: readonly AffiliateSource[] = [
  {
    nodeId: "wrk",
    nodename: "worker-1",
    machineType: "worker",
    addresses: ["10.0.0.3"],
    kubespan: { publicKey: KEYS[0], address: "fd00:0:0:2::3" },
    endpoints: ["10.0.0.3:51820", "192.0.2.3:51820", "[2001:db8::3]:51820"],
  },
  {
    nodeId: "cp",
    nodename: "cp-1",
    machineType: "controlplane",
    addresses: ["10.0.0.1"],
    kubespan: { publicKey: KEYS[1], address: "fd00:0:0:2::1" },
  },
  { nodeId: "none", nodename: "no-kubespan", addresses: ["10.0.0.9"] },
];

async function renderMesh(
  argv: readonly string[] = [],
  sources = PEERS,
  cluster: Partial<typeof CLUSTER> = CLUSTER,
) {
  await using folder = await createTestFolder();
  const path = folder.path("kubespan-identity.yaml");
  const identity = await createKubeSpanIdentity(path, {
    clusterId: "mesh",
    mac: "02:00:00:00:00:01",
  });
  const options = { argv: ["--kubespan-identity", path, ...argv], cluster };
  const rendered = await render(WIREGUARD, sources, options);
  // Of the machine that runs the test, whatever that has.
  const problems = rendered.problems.filter((line) => !/default gateway/.test(line));
  return { ...rendered, problems, identity, linesOf: linesIn(rendered.text) };
}

/** The values of a key, in order. */
function linesIn(text: string): (key: string) => string[] {
  return (key) =>
    Array.from(text.matchAll(new RegExp(`^${key} = (.*)$`, "gm")), ([, value = ""]) => value);
}

describe("export wireguard", () => {
  test("has the mesh as peers, each with its first endpoint", async () => {
    const { identity, problems, linesOf, text } = await renderMesh();
    expect(linesOf("PrivateKey")).toEqual([identity.privateKey]);
    expect(linesOf("Address")).toEqual([identity.address]);
    expect(linesOf("PublicKey")).toEqual([KEYS[1], KEYS[0]]);
    expect(linesOf("PresharedKey")).toEqual([CLUSTER.secret, CLUSTER.secret]);
    expect(linesOf("AllowedIPs")).toEqual([
      "10.0.0.1/32, fd00:0:0:2::1/128",
      "10.0.0.3/32, fd00:0:0:2::3/128",
    ]);
    expect(linesOf("Endpoint")).toEqual(["10.0.0.3:51820"]);
    expect(text).toContain("# worker-1\n");
    expect(problems).toEqual(['"cp-1": no endpoint, so it has to find this machine']);
  });

  test("chooses endpoints by the filters of addresses, and leaves allowed IPs as they are", async () => {
    const allowed = (await renderMesh()).linesOf("AllowedIPs");
    for (const [argv, endpoints] of [
      [["--family", "6"], ["[2001:db8::3]:51820"]],
      [["--cidr", "192.0.2.0/24"], ["192.0.2.3:51820"]],
      [["--cidr", "!10.0.0.0/8"], ["192.0.2.3:51820"]],
      [["--cidr", "203.0.113.0/24"], []],
    ] as const) {
      const { linesOf } = await renderMesh(argv);
      expect(linesOf("Endpoint")).toEqual(endpoints);
      expect(linesOf("AllowedIPs")).toEqual(allowed);
    }
  });

  test("leaves out the nodes that are not asked for", async () => {
    expect((await renderMesh(["--type", "worker"])).linesOf("PublicKey")).toEqual([KEYS[0]]);
    expect((await renderMesh(["--exclude", "worker-1"])).linesOf("PublicKey")).toEqual([KEYS[1]]);
  });

  test("is in the form, with the port and MTU, that flags say", async () => {
    const { text } = await renderMesh(["--form", "syncconf", "--port", "1234"]);
    expect(text).toContain("ListenPort = 1234\n");
    expect(text).not.toContain("Address");
    expect((await renderMesh(["--mtu", "1280"])).text).toContain("MTU = 1280\n");
  });

  test("says what of other nodes it cannot use", async () => {
    const [worker, , none] = PEERS;
    const { text, problems } = await renderMesh(
      [],
      [
        { ...worker, nodeId: "a" },
        { ...worker, nodeId: "b", endpoints: ["evil\nPostUp = reboot"] },
        { ...none, nodeId: "c", kubespan: { publicKey: "x\n[Interface]" } },
      ],
    );
    expect(text).not.toContain("reboot");
    expect(text.match(/\[Interface\]/g)).toHaveLength(1);
    expect(problems).toEqual([
      '"no-kubespan" is no peer: its public key is none',
      '"worker-1" is no peer: "b" has its public key',
      expect.stringMatching(
        /^"worker-1": "evil.{1,10}PostUp = reboot" is no endpoint, and left out$/,
      ),
      '"worker-1": no endpoint, so it has to find this machine',
    ]);
  });

  test("routes to a peer what is its own, and of other networks those in an --allowed-network", async () => {
    const subnet = kubespanSubnet("mesh").replace("::/64", "");
    const advertised = [
      ...["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "8000::/1", "::/1"],
      ...["10.244.1.0/24", "10.96.0.0/12", "10.0.0.3/32", `${subnet}::aa00/120`],
    ];
    const peer = {
      ...PEERS[0],
      nodeId: "wrk",
      kubespan: { publicKey: KEYS[0], address: `${subnet}::3`, additionalAddresses: advertised },
    };
    const own = ["10.0.0.3/32", `${subnet}::3/128`, `${subnet}::aa00/120`];
    const allowedIps = async (...networks: readonly string[]) => {
      const argv = networks.flatMap((network) => ["--allowed-network", network]);
      const { linesOf, problems } = await renderMesh(argv, [peer]);
      return { prefixes: linesOf("AllowedIPs")[0]?.split(", "), problems };
    };

    expect(await allowedIps()).toEqual({
      prefixes: own,
      problems: [
        "wireguard: worker-1: not routed to it, no --allowed-network has 0.0.0.0/0, ::/0, 0.0.0.0/1, 128.0.0.0/1, 8000::/1 and 3 more",
      ],
    });
    expect((await allowedIps("10.244.0.0/16", "10.96.0.0/12")).prefixes).toEqual([
      "10.0.0.3/32",
      ...["10.96.0.0/12", "10.244.1.0/24"],
      ...own.slice(1),
    ]);
    // Almost everything is not everything.
    const halves = await allowedIps("0.0.0.0/1,128.0.0.0/2");
    expect(halves.prefixes).toEqual(["0.0.0.0/1", ...own.slice(1)]);
    expect(halves.problems[0]).toContain(" 0.0.0.0/0, ::/0, 128.0.0.0/1,");
    expect((await allowedIps("0.0.0.0/0")).prefixes).toEqual(["0.0.0.0/0", ...own.slice(1)]);
    expect(await allowedIps("::/0", "0.0.0.0/0")).toEqual({
      prefixes: ["0.0.0.0/0", "::/0"],
      problems: [],
    });
  });

  test("routes no address to a peer that cannot be another node's", async () => {
    const address = "169.254.169.254";
    const kubespan = { publicKey: KEYS[0], address: "127.0.0.1" };
    const peer = {
      ...PEERS[0],
      nodeId: "a",
      addresses: ["10.0.0.3", address, "ff02::1"],
      kubespan,
    };
    const { linesOf, problems } = await renderMesh([], [peer]);
    expect(linesOf("AllowedIPs")).toEqual(["10.0.0.3/32"]);
    expect(problems).toEqual([
      "wireguard: worker-1: not routed to it, cannot be another node's: 169.254.169.254 (link-local), ff02::1 (multicast), 127.0.0.1 (loopback)",
    ]);
    const named = await renderMesh(["--allowed-network", "169.254.0.0/16"], [peer]);
    expect(named.linesOf("AllowedIPs")).toEqual(["10.0.0.3/32, 169.254.169.254/32"]);
  });

  test("names public addresses of a peer, of which --allowed-network names none", async () => {
    const addresses = ["10.0.0.3", "100.64.0.1", "8.8.8.8", "2001:4860:4860::8888", "fd00::1"];
    const peers = [{ ...PEERS[0], nodeId: "a", addresses }];
    const told = "wireguard: worker-1: routed to it, public addresses:";
    const { linesOf, problems } = await renderMesh([], peers);
    expect(linesOf("AllowedIPs")[0]).toContain("8.8.8.8/32");
    expect(problems).toEqual([`${told} 8.8.8.8, 2001:4860:4860::8888`]);
    const named = await renderMesh(["--allowed-network", "8.8.8.0/24"], peers);
    expect(named.problems).toEqual([`${told} 2001:4860:4860::8888`]);
  });

  test("names this machine's default gateway if a peer has its address", () => {
    const gateways = [Uint8Array.of(10, 0, 0, 254), Uint8Array.of(10, 9, 0, 1)];
    const rules = {
      subnet: parsePrefix("fd00::/64"),
      allowed: [parsePrefix("10.9.0.0/16")],
      gateways,
    };
    const kubespan = { publicKey: KEYS[0], additionalAddresses: ["10.9.0.0/24"] };
    const addresses = ["10.0.0.3", "10.0.0.254"];
    const affiliate = createAffiliateSpec({ nodeId: "a", addresses, kubespan });
    expect(limitNetworks(affiliate, rules)).toMatchObject({
      affiliate: { addresses, kubespan },
      refused: [],
      remarkable: [
        "routed to it, the address of this machine's default gateway: 10.0.0.254, 10.9.0.1",
      ],
    });
  });

  test("refuses an --allowed-network that is no prefix", async () => {
    await expect(renderMesh(["--allowed-network", "10.0.0.1"])).rejects.toThrow(
      '--allowed-network: invalid network "10.0.0.1": expected a prefix such as 10.244.0.0/16',
    );
  });

  test("has no line but its own, whatever members publish", async () => {
    const hostile = hostileMembers("touch x").map((node, index) => ({
      ...node,
      kubespan: {
        publicKey: Buffer.alloc(32, index + 1).toString("base64"),
        address: index % 3 === 0 ? node.nodename : "",
        additionalAddresses: [node.nodeId],
        excludeAdvertisedNetworks: [node.nodeId],
      },
      endpoints: [node.nodeId, `10.0.0.1:${index + 1}`],
    }));
    const { text } = await renderMesh([], hostile);
    const keys = ["PublicKey", "PresharedKey", "AllowedIPs", "Endpoint", "PersistentKeepalive"];
    const own = ["PrivateKey", "ListenPort", "FwMark", "Address", "MTU", "Table"];
    const rules = ["PostUp = ip -[46] rule add not fwmark", "PreDown = ip -[46] rule delete not"];
    const line = new RegExp(
      `^(?:|\\[(?:Interface|Peer)\\]|# [\\w.-]+|(?:${[...keys, ...own].join("|")}) = [\\w+/=:., \\[\\]]+|(?:${rules.join("|")}).*)$`,
    );
    for (const said of text.split("\n")) expect(said).toMatch(line);
    expect(text.match(/PostUp/g)).toHaveLength(2);
    expect(text).not.toContain("touch");
  });

  test("says that there is no mesh, unless the filters have left nobody", async () => {
    const outside = PEERS.slice(2);
    const noMesh = ["no other node has a key of the mesh: is KubeSpan enabled there?"];
    expect((await renderMesh([], outside)).problems).toEqual(noMesh);
    expect((await renderMesh(["--type", "controlplane"], outside)).problems).toEqual([]);
    expect((await renderMesh([], [])).problems).toEqual([]);
  });

  test("has no peer that is this machine, whatever the filters say", async () => {
    await using folder = await createTestFolder();
    const path = folder.path("kubespan-identity.yaml");
    const place = { clusterId: "mesh", mac: "02:00:00:00:00:01" };
    const { publicKey } = await createKubeSpanIdentity(path, place);
    const own = { nodeId: "a", nodename: "me", addresses: ["10.0.0.1"], kubespan: { publicKey } };
    const { text } = await render(WIREGUARD, [own, ...PEERS], {
      argv: ["--kubespan-identity", path, "--exclude", "me"],
      cluster: CLUSTER,
    });
    expect(linesIn(text)("PublicKey")).toEqual([KEYS[1], KEYS[0]]);
    // An address that two claim is the other's here: it is this machine's anyway.
    expect(linesIn(text)("AllowedIPs")[0]).toBe("10.0.0.1/32, fd00:0:0:2::1/128");
  });

  test("needs the cluster's secret, and an identity of that cluster", async () => {
    await expect(renderMesh([], PEERS, { id: "mesh" })).rejects.toThrow("--cluster-secret-file");
    await expect(renderMesh([], PEERS, { ...CLUSTER, id: "other" })).rejects.toThrow(
      `made for another cluster, with the subnet ${kubespanSubnet("mesh")} and not ${kubespanSubnet("other")}`,
    );
    await expect(render(WIREGUARD, PEERS)).rejects.toThrow("--kubespan-identity is missing");
    await expect(renderMesh(["--mtu", "1279"])).rejects.toThrow("1280");
  });
});
