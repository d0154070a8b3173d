import { describe, expect, test } from "vitest";
import { WIREGUARD } from "../../../../src/cli/export/wireguard.ts";
import { kubespanSubnet, publicKeyOf } from "../../../../src/kubespan/index.ts";
import { createKubeSpanIdentity } from "../../../../src/node/index.ts";
import type { AffiliateSource } from "../../../../src/resources/index.ts";
import { createTestFolder } from "../../../harness/cli/test-folder.ts";
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
  return { ...rendered, identity, linesOf: linesIn(rendered.text) };
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
