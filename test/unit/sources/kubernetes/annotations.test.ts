import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatAddress } from "../../../../src/net/address.ts";
import { formatEndpoint } from "../../../../src/net/endpoint.ts";
import { formatPrefix } from "../../../../src/net/prefix.ts";
import { type AffiliateSpec, createAffiliateSpec } from "../../../../src/resources/affiliate.ts";
import {
  ANNOTATIONS,
  affiliateAnnotations,
  affiliateOfNode,
  type KubernetesNode,
  type NodeDropReport,
} from "../../../../src/sources/kubernetes/index.ts";
import { nodeOf } from "../../../harness/kubernetes/kubernetes-under-test.ts";
import { nodeObject } from "../../../harness/kubernetes/node-object.ts";

/** As the documentation of Talos shows them. */
const DOCUMENTED = {
  "cluster.talos.dev/node-id": "Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd",
  "networking.talos.dev/assigned-prefixes": "10.244.0.0/32,10.244.0.1/24",
  "networking.talos.dev/self-ips": "172.20.0.2,fd83:b1f7:fcb5:2802:8c13:71ff:feaf:7c94",
};

function read(node: KubernetesNode): {
  readonly affiliate: AffiliateSpec | undefined;
  readonly drops: readonly NodeDropReport[];
} {
  const drops: NodeDropReport[] = [];
  return { affiliate: affiliateOfNode(node, (report) => drops.push(report)), drops };
}

describe("annotations of a node", () => {
  test("those in the documentation of Talos give their affiliate, and come back the same", () => {
    const node = nodeObject("talos-default-controlplane-1", {
      annotations: DOCUMENTED,
      isControlPlane: true,
      operatingSystem: "Talos (v1.2.3)",
    });
    const affiliate = affiliateOfNode(node);
    expect(affiliate).toStrictEqual({
      nodeId: "Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd",
      addresses: ["172.20.0.2", "fd83:b1f7:fcb5:2802:8c13:71ff:feaf:7c94"],
      hostname: "talos-default-controlplane-1",
      nodename: "talos-default-controlplane-1",
      operatingSystem: "Talos (v1.2.3)",
      machineType: "controlplane",
      kubespan: {
        publicKey: "",
        address: "",
        additionalAddresses: ["10.244.0.0/32", "10.244.0.1/24"],
        endpoints: [],
        excludeAdvertisedNetworks: [],
      },
    });
    const values = Object.entries(affiliateAnnotations(affiliate as AffiliateSpec));
    expect(Object.fromEntries(values.filter(([, value]) => value !== null))).toEqual(DOCUMENTED);
  });

  test("each part of an affiliate has its annotation", () => {
    const affiliate = createAffiliateSpec({
      nodeId: "id",
      addresses: ["10.0.0.1", "fd00::1"],
      kubespan: {
        publicKey: "06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=",
        address: "fd7f:175a::1",
        additionalAddresses: ["10.244.3.0/24"],
        excludeAdvertisedNetworks: ["192.168.0.0/16", "fd01::/64"],
      },
      endpoints: ["10.0.0.1:51820", "[fd00::1]:51820"],
      controlPlane: { port: 6443 },
    });
    expect(affiliateAnnotations(affiliate)).toEqual({
      "cluster.talos.dev/node-id": "id",
      "networking.talos.dev/self-ips": "10.0.0.1,fd00::1",
      "networking.talos.dev/api-server-port": "6443",
      "networking.talos.dev/kubespan-ip": "fd7f:175a::1",
      "networking.talos.dev/kubespan-public-key": "06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=",
      "networking.talos.dev/assigned-prefixes": "10.244.3.0/24",
      "networking.talos.dev/kubespan-endpoints": "10.0.0.1:51820,[fd00::1]:51820",
      "networking.talos.dev/kubespan-exclude-advertised-networks": "192.168.0.0/16,fd01::/64",
    });
  });

  test("what there is nothing of is null, which takes the annotation away", () => {
    const values = affiliateAnnotations(createAffiliateSpec({ nodeId: "id", kubespan: {} }));
    expect(Object.entries(values).filter(([, value]) => value !== null)).toEqual([
      [ANNOTATIONS.nodeId, "id"],
    ]);
  });

  test("an affiliate comes back from its node as it was", () => {
    fc.assert(
      fc.property(affiliates, (affiliate) => {
        const { affiliate: read_, drops } = read(nodeOf(affiliate));
        expect(read_).toStrictEqual(affiliate);
        expect(drops).toEqual([]);
      }),
    );
  });

  test("any text in any annotation gives an affiliate or none, and reports", () => {
    const names = fc.constantFrom(...Object.values(ANNOTATIONS));
    fc.assert(
      fc.property(fc.dictionary(names, fc.string({ unit: "binary" })), (annotations) => {
        const { affiliate } = read(nodeObject("worker-1", { annotations }));
        expect(affiliate === undefined).toBe((annotations[ANNOTATIONS.nodeId] ?? "") === "");
        if (affiliate !== undefined) {
          expect(affiliateOfNode(nodeOf(affiliate))?.addresses).toEqual(affiliate.addresses);
        }
      }),
    );
  });
});

describe("a node as an affiliate", () => {
  test("items that do not parse are passed over and told, and the others are used", () => {
    const annotations = {
      [ANNOTATIONS.nodeId]: "id",
      [ANNOTATIONS.addresses]: "10.0.0.1,junk,,fd00::1, 10.0.0.2",
      [ANNOTATIONS.apiServerPort]: "65536",
      [ANNOTATIONS.kubespanAddress]: "fd00::/8",
      [ANNOTATIONS.kubespanAdditionalAddresses]: "10.244.0.0/33,10.244.1.0/24",
      [ANNOTATIONS.kubespanEndpoints]: "10.0.0.1,10.0.0.1:51820",
      [ANNOTATIONS.kubespanExcludedNetworks]: "all",
    };
    const { affiliate, drops } = read(nodeObject("worker-1", { annotations }));
    expect(affiliate).toMatchObject({
      addresses: ["10.0.0.1", "fd00::1"],
      kubespan: {
        address: "",
        additionalAddresses: ["10.244.1.0/24"],
        endpoints: ["10.0.0.1:51820"],
        excludeAdvertisedNetworks: [],
      },
    });
    expect(affiliate).not.toHaveProperty("controlPlane");
    expect(drops.map((drop) => "item" in drop && [drop.annotation, drop.item])).toEqual([
      [ANNOTATIONS.apiServerPort, "65536"],
      [ANNOTATIONS.kubespanAddress, "fd00::/8"],
      [ANNOTATIONS.kubespanAdditionalAddresses, "10.244.0.0/33"],
      [ANNOTATIONS.kubespanExcludedNetworks, "all"],
      [ANNOTATIONS.addresses, "junk"],
      [ANNOTATIONS.addresses, ""],
      [ANNOTATIONS.addresses, " 10.0.0.2"],
      [ANNOTATIONS.kubespanEndpoints, "10.0.0.1"],
    ]);
    expect(drops.every(({ nodeName }) => nodeName === "worker-1")).toBe(true);
  });

  test.each(["0", "65536", "-1", "6443.5", "https"])("%s is no port of an API server", (item) => {
    const annotations = { [ANNOTATIONS.nodeId]: "id", [ANNOTATIONS.apiServerPort]: item };
    const { affiliate, drops } = read(nodeObject("worker-1", { annotations }));
    expect(affiliate).not.toHaveProperty("controlPlane");
    expect(drops).toMatchObject([{ annotation: ANNOTATIONS.apiServerPort, item }]);
  });

  test("names and system are Kubernetes' own: name, Hostname address, osImage, label of the control plane", () => {
    const annotations = { [ANNOTATIONS.nodeId]: "id" };
    const node = nodeObject("name", {
      annotations,
      isControlPlane: true,
      hostname: "host.example",
      operatingSystem: "Talos (v1.15.0)",
    });
    expect(affiliateOfNode(node)).toMatchObject({
      nodename: "name",
      hostname: "host.example",
      operatingSystem: "Talos (v1.15.0)",
      machineType: "controlplane",
    });
    expect(affiliateOfNode(nodeObject("name", { annotations }))?.machineType).toBe("worker");
    expect(affiliateOfNode({ metadata: { name: "bare", annotations } })).toStrictEqual({
      nodeId: "id",
      addresses: [],
      hostname: "",
      nodename: "bare",
      operatingSystem: "",
      machineType: "worker",
    });
  });

  test("parts that are null are none, as an object of a server in Go may have them", () => {
    const empty = { annotations: null, labels: null } as unknown as KubernetesNode["metadata"];
    expect(affiliateOfNode({ metadata: { ...empty, name: "a" } })).toBeUndefined();
    const annotations = { [ANNOTATIONS.nodeId]: "A" };
    const status = { addresses: null, nodeInfo: null } as unknown as KubernetesNode["status"];
    const metadata = { ...empty, name: "a", annotations };
    expect(affiliateOfNode({ metadata, status })).toMatchObject({ nodeId: "A", nodename: "a" });
  });

  test("one without a node ID is no affiliate", () => {
    expect(affiliateOfNode(nodeObject("worker-1"))).toBeUndefined();
    const annotations = { [ANNOTATIONS.nodeId]: "", [ANNOTATIONS.addresses]: "10.0.0.1" };
    expect(affiliateOfNode(nodeObject("worker-1", { annotations }))).toBeUndefined();
  });
});

const ips = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
);
const addresses = fc.array(ips.map(formatAddress), { maxLength: 4 });
const prefixes = fc.array(
  ips.chain((ip) => fc.nat(ip.length * 8).map((bits) => formatPrefix({ ip, bits }))),
  { maxLength: 4 },
);
const endpoints = fc.array(
  fc.tuple(ips, fc.nat(65_535)).map(([ip, port]) => formatEndpoint({ ip, port })),
  { minLength: 1, maxLength: 4 },
);
const words = fc.stringMatching(/^[a-zA-Z0-9.-]{1,20}$/);

const affiliates = fc
  .record({
    nodeId: words,
    addresses,
    hostname: words,
    nodename: words,
    operatingSystem: words,
    machineType: fc.constantFrom("controlplane", "worker"),
    kubespan: fc.option(
      fc.record({
        publicKey: words,
        address: ips.map(formatAddress),
        additionalAddresses: prefixes,
        excludeAdvertisedNetworks: prefixes,
      }),
      { nil: undefined },
    ),
    endpoints: fc.option(endpoints, { nil: undefined }),
    controlPlane: fc.option(fc.record({ port: fc.integer({ min: 1, max: 65_535 }) }), {
      nil: undefined,
    }),
  })
  .map(createAffiliateSpec);

test("of a node with nothing but items that do not parse, a hundred are told", () => {
  const value = ",".repeat(100_000);
  const annotations = { [ANNOTATIONS.nodeId]: "A", [ANNOTATIONS.addresses]: value };
  const { affiliate, drops } = read({ metadata: { name: "a", annotations } });
  expect(affiliate?.addresses).toEqual([]);
  expect(drops).toHaveLength(100);
});
