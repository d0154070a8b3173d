/**
 * What several registries say of the same nodes, as one.
 *
 * Registries are asked in the order of their names, and later ones win: `k8s/` comes before
 * `service/`, so that what a node says of itself counts more than what Kubernetes has of it.
 * `static/` comes after both: what the operator wrote in a file is what the operator wants, and
 * corrects a registry that has it wrong.
 * @see docs/conformance.md, "Affiliates and members"
 * @module
 */
import type { AffiliateSpec, KubeSpanAffiliateSpec } from "./affiliate.ts";

/**
 * Merges what all registries say, by the node ID inside each record.
 *
 * - Lists are unions, in first-seen order.
 * - `hostname`, `nodename`, `machineType`, `controlPlane` and KubeSpan's `publicKey` and `address`
 *   are of the last one that has them; a machine type of `unknown` is none.
 * - `operatingSystem` stays with the first.
 *
 * @param raw - Raw IDs, `service/2VfX…`, and what stands under them; of two with one ID, the later
 *   counts. In any order: they are merged in the order of their IDs.
 * @returns By node ID. A record that stands alone is the same object, where no list of it says
 *   anything twice.
 * @example
 * mergeAffiliates([[`k8s/${nodeId}`, fromKubernetes], [`service/${nodeId}`, fromService]]).get(nodeId);
 */
export function mergeAffiliates(
  raw: Iterable<readonly [rawId: string, spec: AffiliateSpec]>,
): Map<string, AffiliateSpec> {
  const inOrder = [...new Map(raw)].sort(([a], [b]) => (a < b ? -1 : 1));
  const shares = new Map<string, AffiliateSpec[]>();
  for (const [, spec] of inOrder) {
    const known = shares.get(spec.nodeId);
    if (known === undefined) shares.set(spec.nodeId, [spec]);
    else known.push(spec);
  }
  const merged = new Map<string, AffiliateSpec>();
  for (const [nodeId, [first, ...later]] of shares) {
    if (first !== undefined) merged.set(nodeId, mergeShares(first, later));
  }
  return merged;
}

/** Merges what registries say of one node, in their order: see {@link mergeAffiliates}. */
export function mergeShares(first: AffiliateSpec, later: readonly AffiliateSpec[]): AffiliateSpec {
  return later.reduce(mergeInto, withoutRepeats(first));
}

function mergeInto(earlier: AffiliateSpec, later: AffiliateSpec): AffiliateSpec {
  const kubespan = mergeKubeSpan(earlier.kubespan, later.kubespan);
  const controlPlane = later.controlPlane ?? earlier.controlPlane;
  return {
    nodeId: earlier.nodeId,
    addresses: union(earlier.addresses, later.addresses),
    hostname: later.hostname || earlier.hostname,
    nodename: later.nodename || earlier.nodename,
    operatingSystem: earlier.operatingSystem,
    machineType: later.machineType === "unknown" ? earlier.machineType : later.machineType,
    ...(kubespan !== undefined ? { kubespan } : {}),
    ...(controlPlane !== undefined ? { controlPlane } : {}),
  };
}

function mergeKubeSpan(
  earlier: KubeSpanAffiliateSpec | undefined,
  later: KubeSpanAffiliateSpec | undefined,
): KubeSpanAffiliateSpec | undefined {
  if (earlier === undefined) return later && kubespanWithoutRepeats(later);
  if (later === undefined) return earlier;
  return {
    publicKey: later.publicKey || earlier.publicKey,
    address: later.address || earlier.address,
    additionalAddresses: union(earlier.additionalAddresses, later.additionalAddresses),
    endpoints: union(earlier.endpoints, later.endpoints),
    excludeAdvertisedNetworks: union(
      earlier.excludeAdvertisedNetworks,
      later.excludeAdvertisedNetworks,
    ),
  };
}

/** So that a list reads the same whether or not another registry adds to it. */
function withoutRepeats(spec: AffiliateSpec): AffiliateSpec {
  const addresses = union(spec.addresses, []);
  const kubespan = spec.kubespan && kubespanWithoutRepeats(spec.kubespan);
  if (addresses === spec.addresses && kubespan === spec.kubespan) return spec;
  return { ...spec, addresses, ...(kubespan !== undefined ? { kubespan } : {}) };
}

function kubespanWithoutRepeats(kubespan: KubeSpanAffiliateSpec): KubeSpanAffiliateSpec {
  const { additionalAddresses, endpoints, excludeAdvertisedNetworks } = kubespan;
  const lists = {
    additionalAddresses: union(additionalAddresses, []),
    endpoints: union(endpoints, []),
    excludeAdvertisedNetworks: union(excludeAdvertisedNetworks, []),
  };
  const isSame =
    lists.additionalAddresses === additionalAddresses &&
    lists.endpoints === endpoints &&
    lists.excludeAdvertisedNetworks === excludeAdvertisedNetworks;
  return isSame ? kubespan : { ...kubespan, ...lists };
}

/** Everything in either, in first-seen order; `earlier` itself where that is all. */
function union(earlier: readonly string[], later: readonly string[]): readonly string[] {
  const all = new Set(earlier);
  for (const item of later) all.add(item);
  return all.size === earlier.length ? earlier : [...all];
}
