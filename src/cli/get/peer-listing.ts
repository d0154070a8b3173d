/**
 * The WireGuard peers that a node of the cluster should have.
 * @module
 */
import type { DiscoveryState } from "../../discovery/index.ts";
import { type PeerProblem, peersOf } from "../../kubespan/index.ts";
import {
  type AffiliateSpec,
  KUBESPAN_PEER_SPECS,
  type PeerSpec,
  ResourceView,
} from "../../resources/index.ts";
import { type ClusterAccess, registriesOf } from "../cluster/cluster-access.ts";
import { readClusterOnce, watchCluster } from "../cluster/cluster-discovery.ts";
import { describePeerProblem } from "../cluster/kubespan.ts";
import type { Listing } from "./listing.ts";

/**
 * Lists peers as one node sees them.
 *
 * @param localNodeId - That node; absent for somebody outside, to whom all are peers.
 */
export function peerSpecListing(
  access: ClusterAccess,
  localNodeId: string | undefined,
): Listing<PeerSpec> {
  function createPeers(
    onNotice: (line: string) => void,
  ): (state: DiscoveryState) => ReadonlyMap<string, PeerSpec> {
    const told = new Set<string>();
    const onProblem = (problem: PeerProblem) => {
      const line = describePeerProblem(problem, `affiliate ${problem.nodeId}`);
      if (!told.has(line)) onNotice(line);
      told.add(line);
    };
    return (state) => peersOf(specsOf(state), localNodeId, { onProblem });
  }

  return {
    definition: KUBESPAN_PEER_SPECS,
    node: registriesOf(access),
    async read(options) {
      const peersIn = createPeers(options.onNotice);
      const view = new ResourceView(KUBESPAN_PEER_SPECS);
      view.replace(peersIn(await readClusterOnce(access, options)));
      return view.list();
    },
    async *watch(options) {
      const peersIn = createPeers(options.onNotice);
      const view = new ResourceView(KUBESPAN_PEER_SPECS, { now: Date.now });
      for await (const change of watchCluster(access, options)) {
        if (change.kind === "status") continue;
        const events = view.replace(peersIn(change.state));
        if (events.length > 0 || change.kind === "snapshot") yield events;
      }
    },
  };
}

/** All affiliates of a state. */
export function specsOf({ affiliates }: DiscoveryState): AffiliateSpec[] {
  return Array.from(affiliates.values(), ({ spec }) => spec);
}
