/**
 * Random affiliates with few values, so that they often say the same.
 * @module
 */
import fc from "fast-check";
import { type AffiliateSpec, createAffiliateSpec } from "../../../src/resources/affiliate.ts";

const list = (...items: string[]) => fc.array(fc.constantFrom(...items), { maxLength: 3 });
const text = (...items: string[]) => fc.constantFrom("", ...items);

/** Of one of the nodes `A`, `B`, `C`, unless others are named. */
export function affiliates(...nodeIds: string[]): fc.Arbitrary<AffiliateSpec> {
  return fc
    .record({
      nodeId: fc.constantFrom(...(nodeIds.length > 0 ? nodeIds : ["A", "B", "C"])),
      addresses: list("10.0.0.1", "10.0.0.2", "fd00::1"),
      hostname: text("a", "a.example"),
      nodename: text("a", "b"),
      operatingSystem: text("Talos (v1.14.0)", "Talos (v1.15.0)"),
      machineType: fc.constantFrom("unknown-one", "init", "controlplane", "worker"),
      endpoints: list("10.0.0.1:51820", "[fd00::1]:51820"),
      kubespan: fc.option(
        fc.record({
          publicKey: text("K1", "K2"),
          address: text("fd7f::1", "fd7f::2"),
          additionalAddresses: list("10.244.0.0/24", "10.244.1.0/24"),
          excludeAdvertisedNetworks: list("192.168.0.0/16", "10.96.0.0/12"),
        }),
        { nil: undefined },
      ),
      controlPlane: fc.option(fc.record({ port: fc.constantFrom(6443, 443) }), { nil: undefined }),
    })
    .map(createAffiliateSpec);
}

/** What registries have: raw IDs and affiliates. */
export const rawAffiliates: fc.Arbitrary<[string, AffiliateSpec][]> = fc
  .uniqueArray(fc.tuple(fc.constantFrom("k8s", "service", "static"), affiliates()), {
    selector: ([registry, { nodeId }]) => `${registry}/${nodeId}`,
  })
  .map((shares) => shares.map(([registry, spec]) => [`${registry}/${spec.nodeId}`, spec]));
