import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  allowedIps,
  type PeerNetworks,
  type PeerProblem,
  peersOf,
} from "../../../src/kubespan/peers.ts";
import { wireguardConfig } from "../../../src/kubespan/wireguard-config.ts";
import { compareAddresses, parseAddress } from "../../../src/net/address.ts";
import { contains, parsePrefix } from "../../../src/net/prefix.ts";
import vectors from "../../vectors/kubespan-allowed-ips.json" with { type: "json" };
import { keyNamed, meshAffiliate } from "./mesh-affiliate.ts";

describe("allowed IPs", () => {
  test("are those of the vectors, of each peer alone and of all in order", () => {
    for (const { peers } of vectors) {
      for (const peer of peers) expect(allowedIps([peer])).toEqual([peer.own]);
      expect(allowedIps(peers)).toEqual(peers.map(({ allowedIPs }) => allowedIPs));
    }
  });

  test("keep a peer's KubeSpan address, whatever it excludes", () => {
    const peer: PeerNetworks = {
      address: "fd00:0:0:2::1",
      addresses: ["10.0.0.1", "2001:db8::1"],
      additionalAddresses: ["10.244.0.0/24"],
      excludeAdvertisedNetworks: ["0.0.0.0/0", "::/0"],
    };
    expect(allowedIps([peer])).toEqual([["fd00:0:0:2::1/128"]]);
  });

  test("of no peers are none", () => {
    expect(allowedIps([])).toEqual([]);
  });

  const near = fc.constantFrom("10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.1.0", "fd00::", "fd00::1");
  const network = fc
    .tuple(near, fc.constantFrom(0, 1, 7, 8, 16, 64))
    .map(([ip, hostBits]) => `${ip}/${(ip.includes(":") ? 128 : 32) - Math.min(hostBits, 32)}`);
  const peerNetworks: fc.Arbitrary<PeerNetworks> = fc.record({
    address: fc.constantFrom("", "fd00:0:0:2::1", "fd00:0:0:2::2"),
    addresses: fc.array(near, { maxLength: 3 }),
    additionalAddresses: fc.array(network, { maxLength: 3 }),
    excludeAdvertisedNetworks: fc.array(network, { maxLength: 2 }),
  });

  test("give each address to the first peer that has it, and to nobody else", () => {
    const probe = fc.oneof(near, fc.ipV4(), fc.constantFrom("fd00:0:0:2::1", "fd00::ff"));
    const has = (texts: readonly string[], ip: Uint8Array): boolean =>
      texts.some((text) => contains(parsePrefix(text), ip));
    const owns = (peer: PeerNetworks, text: string, ip: Uint8Array): boolean =>
      peer.address === text ||
      (!has(peer.excludeAdvertisedNetworks, ip) &&
        (peer.addresses.includes(text) || has(peer.additionalAddresses, ip)));
    fc.assert(
      fc.property(fc.array(peerNetworks, { maxLength: 6 }), fc.array(probe), (peers, probes) => {
        const assigned = allowedIps(peers);
        for (const text of probes) {
          const ip = parseAddress(text);
          const owner = peers.findIndex((peer) => owns(peer, text, ip));
          const found = [...assigned.keys()].filter((i) => has(assigned[i] ?? [], ip));
          expect(found, text).toEqual(owner === -1 ? [] : [owner]);
        }
        for (const prefixes of assigned) {
          const ips = prefixes.map((text) => parsePrefix(text).ip);
          expect(ips.toSorted(compareAddresses)).toEqual(ips);
        }
      }),
    );
  });
});

describe("peers", () => {
  test("are the other affiliates that have a public key, with label and endpoints", () => {
    const peers = peersOf(
      [
        meshAffiliate("c", { address: "fd00:0:0:2::c", endpoints: ["192.0.2.3:51820"] }, []),
        meshAffiliate("b", { publicKey: "" }),
        meshAffiliate("local"),
        { ...meshAffiliate("a", { address: "fd00:0:0:2::a" }), nodename: "" },
      ],
      "local",
    );
    expect([...peers]).toEqual([
      [
        keyNamed("a"),
        {
          address: "fd00:0:0:2::a",
          allowedIps: ["10.0.0.1/32", "fd00:0:0:2::a/128"],
          endpoints: [],
          label: "",
        },
      ],
      [
        keyNamed("c"),
        {
          address: "fd00:0:0:2::c",
          allowedIps: ["fd00:0:0:2::c/128"],
          endpoints: ["192.0.2.3:51820"],
          label: "name-of-c",
        },
      ],
    ]);
  });

  test("are the same in whatever order affiliates come, and the lesser node ID keeps an overlap", () => {
    const affiliates = ["b", "a", "d", "c"].map((nodeId) => meshAffiliate(nodeId));
    const expected = [["10.0.0.1/32"], [], [], []];
    fc.assert(
      fc.property(fc.shuffledSubarray(affiliates, { minLength: 4 }), (shuffled) => {
        const peers = peersOf(shuffled);
        expect([...peers.keys()]).toEqual(["a", "b", "c", "d"].map(keyNamed));
        expect(Array.from(peers.values(), (peer) => peer.allowedIps)).toEqual(expected);
      }),
    );
  });

  test("with one key are one peer, the one with the greater node ID", () => {
    const problems: PeerProblem[] = [];
    const publicKey = keyNamed("shared");
    const peers = peersOf(
      [meshAffiliate("b", { publicKey }), meshAffiliate("a", { publicKey }), meshAffiliate("aa")],
      undefined,
      { onProblem: (problem) => problems.push(problem) },
    );
    expect(Array.from(peers.values(), ({ label }) => label)).toEqual(["name-of-aa", "name-of-b"]);
    expect(problems).toEqual([{ reason: "public_key_taken", nodeId: "a", by: "b" }]);
  });

  test("never have the local node's key, as its own record under an older ID would", () => {
    const problems: PeerProblem[] = [];
    const publicKey = keyNamed("mine");
    const affiliates = [
      meshAffiliate("older", { publicKey }),
      meshAffiliate("local", { publicKey }),
      meshAffiliate("zz", { publicKey }),
    ];
    expect(
      peersOf(affiliates, "local", { onProblem: (problem) => problems.push(problem) }).size,
    ).toBe(0);
    expect(problems.map(({ nodeId }) => nodeId)).toEqual(["zz", "older"]);
  });

  test("without a KubeSpan address are reached at the rest of their addresses", () => {
    const [peer] = peersOf([meshAffiliate("a")]).values();
    expect(peer).toMatchObject({ address: "", allowedIps: ["10.0.0.1/32"] });
  });

  test("whose data does not parse are reported, and the rest of it is used", () => {
    const problems: PeerProblem[] = [];
    const broken = meshAffiliate(
      "a",
      {
        address: "not an address",
        additionalAddresses: ["10.1.0.0/16", "10.2.0.0"],
        excludeAdvertisedNetworks: ["10.1.0.0/17", "!"],
        endpoints: [
          ...["192.0.2.1:51820", "example.com:1", "[fd00:0::1]:1", "[fd00::1]:1"],
          ...["192.0.2.1:0", "[fe80::1%eth0]:51820"],
        ],
      },
      ["10.0.0.1", "localhost", "fe80::1%eth0"],
    );
    const peers = peersOf([broken, meshAffiliate("b", { publicKey: "not a key" })], undefined, {
      onProblem: (problem) => problems.push(problem),
    });
    expect([...peers.values()]).toEqual([
      {
        address: "",
        allowedIps: ["10.0.0.1/32", "10.1.128.0/17"],
        endpoints: ["192.0.2.1:51820", "[fd00::1]:1"],
        label: "name-of-a",
      },
    ]);
    expect(problems).toEqual([
      { reason: "public_key_malformed", nodeId: "b" },
      { reason: "prefix_malformed", nodeId: "a", text: "10.2.0.0" },
      { reason: "address_malformed", nodeId: "a", text: "localhost" },
      { reason: "prefix_malformed", nodeId: "a", text: "!" },
      { reason: "address_malformed", nodeId: "a", text: "not an address" },
      { reason: "endpoint_malformed", nodeId: "a", text: "example.com:1" },
      { reason: "endpoint_malformed", nodeId: "a", text: "192.0.2.1:0" },
      { reason: "endpoint_malformed", nodeId: "a", text: "[fe80::1%eth0]:51820" },
    ]);
  });

  test("are made of anything that affiliates may say, and WireGuard's configuration of them", () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom("10.0.0.0/8", "::1", "1.2.3.4:5", "[fe80::1%a]:1", ""),
    );
    const list = fc.array(text, { maxLength: 4 });
    const affiliate = fc
      .tuple(text, text, list, list, list, list, text)
      .map(([nodeId, address, addresses, additional, excluded, endpoints, key]) =>
        meshAffiliate(
          nodeId,
          {
            address,
            additionalAddresses: additional,
            excludeAdvertisedNetworks: excluded,
            endpoints,
            publicKey: key.length > 3 ? keyNamed("x") : key,
          },
          addresses,
        ),
      );
    fc.assert(
      fc.property(fc.array(affiliate), (affiliates) => {
        const peers = peersOf(affiliates);
        for (const { allowedIps } of peers.values()) allowedIps.forEach(parsePrefix);
        const clusterSecret = Buffer.alloc(32, 1).toString("base64");
        const identity = { privateKey: clusterSecret, address: "fd00::1/128" };
        wireguardConfig(identity, peers, { form: "wg-quick", clusterSecret });
      }),
    );
  });
});
