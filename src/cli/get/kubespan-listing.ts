/**
 * The WireGuard peers of the KubeSpan mesh: those that a node should have, how those of this
 * machine are doing, and where they were seen.
 * @module
 */

import { sleep } from "../../async/timers.ts";
import { linkedController } from "../../async/waits.ts";
import type { DiscoveryState } from "../../discovery/index.ts";
import { harvestEndpoints, type PeerProblem, peersOf } from "../../kubespan/index.ts";
import {
  type AffiliateSpec,
  KUBESPAN_ENDPOINTS,
  KUBESPAN_PEER_SPECS,
  KUBESPAN_PEER_STATUSES,
  type KubeSpanEndpointSpec,
  type PeerSpec,
  type PeerStatusSpec,
  type ResourceDefinition,
  ResourceView,
} from "../../resources/index.ts";
import { type ClusterAccess, registriesOf } from "../cluster/cluster-access.ts";
import {
  readClusterOnce,
  type WatchClusterOptions,
  watchCluster,
} from "../cluster/cluster-discovery.ts";
import { describePeerProblem, readWireguard } from "../cluster/kubespan.ts";
import { oneLine } from "../exit.ts";
import type { CliIo } from "../io.ts";
import { type Listing, LOCAL_NODE } from "./listing.ts";
import { type ObservedPeer, PeerObserver } from "./peer-observer.ts";

/** WireGuard tells of nothing by itself. */
const POLL_INTERVAL_MS = 1000;

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

/** What {@link peerStatusListing} and {@link seenEndpointListing} look at. */
export interface WireguardListingOptions {
  /** The network interface. */
  readonly interfaceName: string;
  /** Says whose keys the peers have. Absent: nobody knows. */
  readonly access: ClusterAccess | undefined;
  readonly localNodeId: string | undefined;
  readonly env: CliIo["env"];
}

/** Makes specs, by public key, from what WireGuard says and what is known of the cluster. */
type Derive<Spec> = (
  peers: ReadonlyMap<string, ObservedPeer>,
  affiliates: readonly AffiliateSpec[],
) => ReadonlyMap<string, Spec>;

/** Lists how peers are doing. */
export function peerStatusListing(options: WireguardListingOptions): Listing<PeerStatusSpec> {
  return wireguardListing(KUBESPAN_PEER_STATUSES, options, (peers, affiliates) => {
    const known = peersOf(affiliates, options.localNodeId);
    return new Map(
      Array.from(peers, ([key, peer]) => [key, statusOf(peer, known.get(key)?.label ?? "")]),
    );
  });
}

/** Lists where peers were seen that are up. */
export function seenEndpointListing(
  options: WireguardListingOptions,
): Listing<KubeSpanEndpointSpec> {
  return wireguardListing(KUBESPAN_ENDPOINTS, options, (peers, affiliates) =>
    harvestEndpoints(peers, affiliates, options.localNodeId),
  );
}

/** Affiliates as of now, followed beside something else. */
interface FollowedAffiliates extends AsyncDisposable {
  /**
   * Resolves when there is a first answer; at once where nobody is asked. Rejects where nobody can
   * be.
   */
  readonly known: Promise<void>;
  affiliates(): readonly AffiliateSpec[];
}

function wireguardListing<Spec extends object>(
  definition: ResourceDefinition<Spec>,
  { interfaceName, access, env }: WireguardListingOptions,
  derive: Derive<Spec>,
): Listing<Spec> {
  return {
    definition,
    node: LOCAL_NODE,
    async read(options) {
      const status = await readWireguard(interfaceName, { env, signal: options.signal });
      const state = access && (await readClusterOnce(access, options));
      const view = new ResourceView(definition);
      view.replace(derive(new PeerObserver().observe(status), state ? specsOf(state) : []));
      return view.list();
    },
    async *watch({ signal, onNotice }) {
      const view = new ResourceView(definition, { now: Date.now });
      const observer = new PeerObserver();
      const look = async () =>
        observer.observe(await readWireguard(interfaceName, { env, signal }));
      let peers = await look();
      let failure = "";
      await using cluster = followAffiliates(access, { signal, onNotice });
      await cluster.known;
      while (!signal.aborted) {
        yield view.replace(derive(peers, cluster.affiliates()));
        await sleep(POLL_INTERVAL_MS, signal).catch(() => {});
        try {
          peers = await look();
          failure = "";
        } catch (error) {
          // An interface may be made anew; it is told once.
          if (signal.aborted) break;
          if (failure !== oneLine(error)) onNotice(oneLine(error));
          failure = oneLine(error);
        }
      }
    },
  };
}

function statusOf(peer: ObservedPeer, label: string): PeerStatusSpec {
  const { endpoint = "", endpointChangedAtMs, lastHandshakeAtMs } = peer;
  return {
    endpoint,
    label,
    state: peer.state,
    receiveBytes: peer.receivedBytes,
    transmitBytes: peer.sentBytes,
    lastHandshakeTime: instant(lastHandshakeAtMs),
    lastUsedEndpoint: endpoint,
    lastEndpointChange: instant(endpointChangedAtMs),
  };
}

function instant(ms: number | undefined): string {
  return ms === undefined ? "" : new Date(ms).toISOString();
}

function followAffiliates(
  access: ClusterAccess | undefined,
  { signal, onNotice }: WatchClusterOptions,
): FollowedAffiliates {
  const { controller, unlink } = linkedController(signal);
  let affiliates: readonly AffiliateSpec[] = [];
  const answered = Promise.withResolvers<void>();
  async function follow(cluster: ClusterAccess): Promise<void> {
    const options = { signal: controller.signal, onNotice };
    for await (const change of watchCluster(cluster, options)) {
      if (change.kind === "status") continue;
      affiliates = specsOf(change.state);
      answered.resolve();
    }
  }
  const following = access === undefined ? Promise.resolve() : follow(access);
  return {
    known: Promise.race([answered.promise, following]),
    affiliates: () => affiliates,
    async [Symbol.asyncDispose]() {
      controller.abort();
      unlink();
      // What went wrong is told by `known`.
      await following.catch(() => {});
    },
  };
}
