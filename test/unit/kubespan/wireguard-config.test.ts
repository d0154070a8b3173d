import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { kubespanIdentity } from "../../../src/kubespan/identity.ts";
import { wireguardConfig } from "../../../src/kubespan/wireguard-config.ts";
import type { PeerSpec } from "../../../src/resources/kubespan.ts";
import { keyNamed } from "./mesh-affiliate.ts";

const CLUSTER_SECRET = Buffer.alloc(32, 1).toString("base64");
const PRIVATE_KEY = Buffer.alloc(32, 64).toString("base64");
const identity = kubespanIdentity({
  address: "fd00:0:0:2::1/128",
  subnet: "fd00:0:0:2::/64",
  privateKey: PRIVATE_KEY,
});
const peer: PeerSpec = {
  address: "fd00:0:0:2::2",
  allowedIps: ["10.0.0.2/32", "fd00:0:0:2::2/128"],
  endpoints: ["10.0.0.2:51820", "[2001:db8::2]:51820"],
  label: "worker-1",
};
const other: PeerSpec = { address: "", allowedIps: [], endpoints: [], label: "" };
const peers = new Map([
  [keyNamed("a"), peer],
  [keyNamed("b"), other],
]);

describe("WireGuard configuration", () => {
  test("for wg-quick has a table of its own for all but WireGuard's packets", () => {
    const text = wireguardConfig(identity, peers, {
      form: "wg-quick",
      clusterSecret: CLUSTER_SECRET,
    });
    expect(text).toBe(`[Interface]
PrivateKey = ${PRIVATE_KEY}
ListenPort = 51820
FwMark = 0x20
Address = fd00:0:0:2::1/128
MTU = 1420
Table = 180
PostUp = ip -4 rule add not fwmark 0x20/0x60 table 180
PostUp = ip -6 rule add not fwmark 0x20/0x60 table 180
PreDown = ip -4 rule delete not fwmark 0x20/0x60 table 180
PreDown = ip -6 rule delete not fwmark 0x20/0x60 table 180

[Peer]
# worker-1
PublicKey = ${keyNamed("a")}
PresharedKey = ${CLUSTER_SECRET}
AllowedIPs = 10.0.0.2/32, fd00:0:0:2::2/128
Endpoint = 10.0.0.2:51820
PersistentKeepalive = 25

[Peer]
PublicKey = ${keyNamed("b")}
PresharedKey = ${CLUSTER_SECRET}
PersistentKeepalive = 25
`);
  });

  test("for wg syncconf is the same without what only wg-quick knows", () => {
    const options = { clusterSecret: CLUSTER_SECRET };
    const quick = wireguardConfig(identity, peers, { ...options, form: "wg-quick" });
    const plain = wireguardConfig(identity, peers, { ...options, form: "syncconf" });
    expect(plain).toBe(quick.replaceAll(/^(Address|MTU|Table|PostUp|PreDown) = .*\n/gm, ""));
  });

  test("takes the endpoint that it is told", () => {
    const text = wireguardConfig(identity, peers, {
      form: "wg-quick",
      clusterSecret: CLUSTER_SECRET,
      chooseEndpoint: (_, { endpoints }) => endpoints[1],
    });
    expect(text.match(/^Endpoint = .*$/gm)).toEqual(["Endpoint = [2001:db8::2]:51820"]);
  });

  test.each([
    [1, 1280],
    [65_535, 65_535],
  ])("takes port %i and MTU %i", (listenPort, mtu) => {
    const options = { clusterSecret: CLUSTER_SECRET, listenPort, mtu };
    const text = wireguardConfig(identity, peers, { ...options, form: "wg-quick" });
    expect(text).toContain(`\nListenPort = ${listenPort}\n`);
    expect(text).toContain(`\nMTU = ${mtu}\n`);
  });

  test("has no peer with the node's own key", () => {
    const own = new Map([[identity.publicKey, peer]]);
    const text = wireguardConfig(identity, own, {
      form: "syncconf",
      clusterSecret: CLUSTER_SECRET,
    });
    expect(text).not.toContain("[Peer]");
  });

  test("spells the cluster's secret as WireGuard wants it", () => {
    const loose = `${CLUSTER_SECRET.slice(0, 42)}F=`;
    const text = wireguardConfig(identity, peers, { form: "syncconf", clusterSecret: loose });
    expect(text).toContain(`PresharedKey = ${CLUSTER_SECRET}\n`);
  });

  test.each([
    ["no port", { listenPort: 0 }],
    ["a port above all", { listenPort: 65_536 }],
    ["an MTU below what IPv6 needs", { mtu: 1279 }],
    ["an MTU that is no number", { mtu: Number.NaN }],
  ])("refuses %s", (_, options) => {
    expect(() =>
      wireguardConfig(identity, peers, {
        form: "wg-quick",
        clusterSecret: CLUSTER_SECRET,
        ...options,
      }),
    ).toThrow(RangeError);
  });

  test("repeats neither key in an error", () => {
    const options = { form: "syncconf", clusterSecret: "my secret" } as const;
    expect(() => wireguardConfig(identity, peers, options)).toThrow(
      expect.objectContaining({
        code: "ERR_SECRET_INVALID",
        message: expect.not.stringContaining("my secret"),
      }),
    );
    const broken = { ...identity, privateKey: "my private key" };
    expect(() =>
      wireguardConfig(broken, peers, { form: "syncconf", clusterSecret: CLUSTER_SECRET }),
    ).toThrow(expect.objectContaining({ message: expect.not.stringContaining("my private key") }));
  });

  test("has only lines that it means, whatever peers are called and say", () => {
    const allowedLine =
      /^(|\[Interface\]|\[Peer\]|# [A-Za-z0-9._-]+|(PrivateKey|PublicKey|PresharedKey) = [A-Za-z0-9+/]{43}=|(ListenPort|MTU|Table|PersistentKeepalive) = \d+|FwMark = 0x20|Address = [\da-f:.]+\/\d+|AllowedIPs = [\da-f:./, ]+|Endpoint = [\da-f:.[\]]+|(PostUp|PreDown) = ip -[46] rule (add|delete) not fwmark 0x20\/0x60 table 180)$/;
    const evil = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("x\nPostUp = reboot", "a\rPostUp = b", "10.0.0.1/32\n[Peer]", "-n", "é"),
      fc.constantFrom("fe80::1%$(reboot)/64", "[fe80::1%a\nPostUp = b]:1", "10.0.0.1:1", "::/0"),
    );
    const list = fc.array(evil, { maxLength: 2 });
    const anyPeer = fc.record({ address: evil, allowedIps: list, endpoints: list, label: evil });
    fc.assert(
      fc.property(evil, anyPeer, evil, (key, peer, address) => {
        for (const [publicKey, own] of [
          [key, identity.address],
          [keyNamed("a"), identity.address],
          [keyNamed("a"), address],
        ] as const) {
          const them = { address: own, privateKey: PRIVATE_KEY };
          const options = { form: "wg-quick", clusterSecret: CLUSTER_SECRET } as const;
          let text = "";
          try {
            text = wireguardConfig(them, new Map([[publicKey, peer]]), options);
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
          }
          for (const line of text.split("\n")) expect(line).toMatch(allowedLine);
        }
      }),
      { numRuns: 300 },
    );
  });
});
