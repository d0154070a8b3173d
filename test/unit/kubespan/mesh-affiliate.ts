/**
 * Affiliates that take part in a mesh.
 * @module
 */
import {
  type AffiliateSpec,
  createAffiliateSpec,
  type KubeSpanAffiliateSpec,
} from "../../../src/resources/affiliate.ts";

/** A public key for tests: any form of a key will do, since nobody computes with it. */
export function keyNamed(name: string): string {
  return `${name.padEnd(42, "x")}A=`;
}

/** An affiliate with a key of its own and one address, unless said otherwise. */
export function meshAffiliate(
  nodeId: string,
  kubespan: Partial<KubeSpanAffiliateSpec> = {},
  addresses: readonly string[] = ["10.0.0.1"],
): AffiliateSpec {
  const { endpoints = [], ...rest } = kubespan;
  return createAffiliateSpec({
    nodeId,
    nodename: `name-of-${nodeId}`,
    addresses,
    endpoints,
    kubespan: { publicKey: keyNamed(nodeId), ...rest },
  });
}
