/**
 * Endpoints at which peers were seen, told to the others: a node behind a NAT may be reached at an
 * address that it does not know.
 *
 * Every node then reports on every other, so what a service keeps and sends grows with the square
 * of the cluster. Talos has it off by default, and advises against it above 50 peers.
 * @module
 */
import type { AffiliateSpec, LocalAffiliate } from "../resources/affiliate.ts";
import type { KubeSpanEndpointSpec, PeerState } from "../resources/kubespan.ts";
import { keyOwners } from "./peers.ts";

/** A peer as WireGuard has it. */
export interface HarvestedPeer {
  readonly state: PeerState;
  /** `IP:port` that WireGuard uses. Absent where it has none. */
  readonly endpoint?: string | undefined;
}

/**
 * The endpoints of peers that are up.
 *
 * @param peers - By public key.
 * @param affiliates - Says whose keys these are, as in `peersOf`.
 * @returns By public key, in the order of the node IDs. Peers that nobody is known to be are passed
 *   over.
 * @example
 * const harvested = harvestEndpoints(peers, affiliates, nodeId);
 * discovery.publish({ affiliate, otherEndpoints: otherEndpointsOf(harvested) });
 */
export function harvestEndpoints(
  peers: ReadonlyMap<string, HarvestedPeer>,
  affiliates: Iterable<AffiliateSpec>,
  localNodeId?: string,
): Map<string, KubeSpanEndpointSpec> {
  const harvested = new Map<string, KubeSpanEndpointSpec>();
  for (const [publicKey, { nodeId }] of keyOwners(affiliates, localNodeId)) {
    const peer = peers.get(publicKey);
    if (peer?.state !== "up" || peer.endpoint === undefined) continue;
    harvested.set(publicKey, { affiliateId: nodeId, endpoint: peer.endpoint });
  }
  return harvested;
}

/** What was harvested, in the form in which it is published. */
export function otherEndpointsOf(
  harvested: ReadonlyMap<string, KubeSpanEndpointSpec>,
): NonNullable<LocalAffiliate["otherEndpoints"]> {
  return Array.from(harvested.values(), ({ affiliateId, endpoint }) => ({
    nodeId: affiliateId,
    endpoints: [endpoint],
  }));
}
