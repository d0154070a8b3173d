/**
 * Merging what registries say.
 * @module
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AffiliateSpec, createAffiliateSpec } from "../../../src/resources/affiliate.ts";
import { mergeAffiliates } from "../../../src/resources/merge.ts";
import { rawAffiliates } from "./affiliate-arbitrary.ts";

const fromKubernetes = createAffiliateSpec({
  nodeId: "A",
  addresses: ["172.20.0.3", "10.0.0.3"],
  hostname: "worker-1",
  nodename: "worker-1",
  machineType: "worker",
  operatingSystem: "Talos (v1.15.0)",
  kubespan: {
    publicKey: "old",
    address: "fd7f::1",
    additionalAddresses: ["10.244.1.0/24", "10.244.0.0/24"],
    excludeAdvertisedNetworks: ["10.96.0.0/12"],
  },
  endpoints: ["172.20.0.3:51820"],
});

const fromService = createAffiliateSpec({
  nodeId: "A",
  addresses: ["10.0.0.3", "fd00::3"],
  hostname: "worker-1.example",
  nodename: "worker-one",
  machineType: "controlplane",
  operatingSystem: "Talos (v1.14.0)",
  kubespan: {
    publicKey: "new",
    address: "fd7f::2",
    additionalAddresses: ["10.244.0.0/24", "10.244.2.0/24"],
    excludeAdvertisedNetworks: ["192.168.0.0/16"],
  },
  endpoints: ["[fd00::3]:51820", "172.20.0.3:51820"],
  controlPlane: { port: 6443 },
});

function merge(raw: Record<string, AffiliateSpec>): AffiliateSpec | undefined {
  return mergeAffiliates(Object.entries(raw)).get("A");
}

describe("the fields of two registries", () => {
  test("lists are unions in first-seen order, the later name, type, key, address and API server win, the system is the first's", () => {
    expect(merge({ "service/A": fromService, "k8s/A": fromKubernetes })).toStrictEqual({
      nodeId: "A",
      addresses: ["172.20.0.3", "10.0.0.3", "fd00::3"],
      hostname: "worker-1.example",
      nodename: "worker-one",
      operatingSystem: "Talos (v1.15.0)",
      machineType: "controlplane",
      kubespan: {
        publicKey: "new",
        address: "fd7f::2",
        additionalAddresses: ["10.244.1.0/24", "10.244.0.0/24", "10.244.2.0/24"],
        endpoints: ["172.20.0.3:51820", "[fd00::3]:51820"],
        excludeAdvertisedNetworks: ["10.96.0.0/12", "192.168.0.0/16"],
      },
      controlPlane: { port: 6443 },
    });
  });

  test("what the later one does not have stays", () => {
    const silent = createAffiliateSpec({
      nodeId: "A",
      machineType: "no such type",
      kubespan: {},
    });
    const merged = merge({ "k8s/A": fromService, "service/A": silent });
    expect(merged).toStrictEqual(fromService);
  });

  test("the first one's system stays though it is empty", () => {
    const nameless = { ...fromKubernetes, operatingSystem: "" };
    expect(merge({ "k8s/A": nameless, "service/A": fromService })?.operatingSystem).toBe("");
  });

  test("KubeSpan of one of them is all there is", () => {
    const { kubespan: _, ...without } = fromKubernetes;
    expect(merge({ "k8s/A": without, "service/A": fromService })?.kubespan).toStrictEqual(
      fromService.kubespan,
    );
    expect(merge({ "k8s/A": fromService, "service/A": without })?.kubespan).toStrictEqual(
      fromService.kubespan,
    );
  });

  test("a file's record comes after those of Kubernetes and of a service, and so corrects them", () => {
    const correction = createAffiliateSpec({
      nodeId: "A",
      hostname: "right.example",
      machineType: "unknown",
      addresses: ["192.0.2.3"],
    });
    const merged = merge({
      "static/A": correction,
      "service/A": fromService,
      "k8s/A": fromKubernetes,
    });
    expect(merged?.hostname).toBe("right.example");
    expect(merged?.machineType).toBe("controlplane");
    expect(merged?.addresses.at(-1)).toBe("192.0.2.3");
  });
});

test("records are one node's by the node ID inside, whatever the raw ID says", () => {
  const merged = mergeAffiliates([
    ["k8s/X", fromKubernetes],
    ["service/Y", fromService],
  ]);
  expect([...merged.keys()]).toStrictEqual(["A"]);
});

test("a record that stands alone is the same object", () => {
  expect(merge({ "service/A": fromService })).toBe(fromService);
});

describe("laws", () => {
  const merged = (raw: Iterable<readonly [string, AffiliateSpec]>) =>
    Object.fromEntries(mergeAffiliates(raw));
  const withShuffled = rawAffiliates.chain((raw) =>
    fc.tuple(fc.constant(raw), fc.shuffledSubarray(raw, { minLength: raw.length })),
  );

  test("the order of arrival does not matter", () => {
    fc.assert(
      fc.property(withShuffled, ([raw, shuffled]) => {
        expect(merged(shuffled)).toStrictEqual(merged(raw));
      }),
    );
  });

  test("no record is changed", () => {
    fc.assert(
      fc.property(rawAffiliates, (raw) => {
        const before = JSON.stringify(raw);
        merged(raw);
        expect(JSON.stringify(raw)).toBe(before);
      }),
    );
  });

  test("merging what was merged, alone or twice, changes nothing", () => {
    fc.assert(
      fc.property(rawAffiliates, (raw) => {
        const once = merged(raw);
        const again = Object.entries(once).map(([id, spec]) => [`x/${id}`, spec] as const);
        const twice = again.map(([id, spec]) => [`y/${id}`, spec] as const);
        expect(merged(again)).toStrictEqual(once);
        expect(merged([...again, ...twice])).toStrictEqual(once);
      }),
    );
  });

  test("a registry that leaves takes only its share", () => {
    fc.assert(
      fc.property(rawAffiliates, fc.constantFrom("k8s", "service", "static"), (raw, leaving) => {
        const left = raw.filter(([id]) => !id.startsWith(`${leaving}/`));
        const before = merged(raw);
        const after = merged(left);
        for (const [nodeId, spec] of Object.entries(after)) {
          expect(before[nodeId]?.addresses).toEqual(expect.arrayContaining([...spec.addresses]));
        }
        // Whom it did not know is as before.
        const known = new Set(
          raw.filter((share) => !left.includes(share)).map(([, s]) => s.nodeId),
        );
        for (const [nodeId, spec] of Object.entries(before)) {
          if (!known.has(nodeId)) expect(after[nodeId]).toStrictEqual(spec);
        }
      }),
    );
  });

  test("lists are unions in first-seen order", () => {
    fc.assert(
      fc.property(rawAffiliates, (raw) => {
        const inOrder = raw.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, spec]) => spec);
        for (const [nodeId, spec] of mergeAffiliates(raw)) {
          const shares = inOrder.filter((share) => share.nodeId === nodeId);
          const union = (list: (share: AffiliateSpec) => readonly string[] | undefined) => [
            ...new Set(shares.flatMap((share) => list(share) ?? [])),
          ];
          expect(spec.addresses).toStrictEqual(union((share) => share.addresses));
          if (spec.kubespan === undefined) continue;
          const { kubespan } = spec;
          expect(kubespan).toMatchObject({
            additionalAddresses: union((share) => share.kubespan?.additionalAddresses),
            endpoints: union((share) => share.kubespan?.endpoints),
            excludeAdvertisedNetworks: union((share) => share.kubespan?.excludeAdvertisedNetworks),
          });
        }
      }),
    );
  });
});
