/**
 * The table of what `get` lists: for each kind of resource, where it comes from.
 * @module
 */
import { loadKubeSpanIdentity, loadNodeIdentity } from "../../node/index.ts";
import {
  AFFILIATES,
  CURRENT_INFO_ID,
  IDENTITIES,
  type IdentitySpec,
  INFOS,
  type InfoSpec,
  type KnownDefinition,
  KUBESPAN_ENDPOINTS,
  KUBESPAN_IDENTITIES,
  KUBESPAN_PEER_SPECS,
  KUBESPAN_PEER_STATUSES,
  type KubeSpanEndpointSpec,
  type KubeSpanIdentitySpec,
  LOCAL_IDENTITY_ID,
  MEMBERS,
  type PeerSpec,
  type PeerStatusSpec,
  RAW_AFFILIATES,
  type ResourceDefinition,
  ResourceView,
} from "../../resources/index.ts";
import {
  type ClusterAccess,
  isClusterGiven,
  readClusterAccess,
  readClusterNames,
} from "../cluster/cluster-access.ts";
import { parseInterfaceName } from "../cluster/kubespan.ts";
import type { Invocation } from "../command.ts";
import type { ExitCode } from "../exit.ts";
import type { Flags } from "../flags/flags.ts";
import type { CliIo } from "../io.ts";
import { affiliateListing, memberListing, rawAffiliateListing } from "./cluster-listing.ts";
import {
  peerSpecListing,
  peerStatusListing,
  seenEndpointListing,
  type WireguardListingOptions,
} from "./kubespan-listing.ts";
import { type Listing, LOCAL_NODE } from "./listing.ts";

/** Shows a listing, whatever its specs are. */
export type ShowListing = <Spec extends object>(listing: Listing<Spec>) => Promise<ExitCode>;

/** A kind of resource, as `get` lists it. */
export interface ListedKind {
  /** Flags that mean something to this kind, and not to all. */
  readonly flags: readonly string[];
  /** Opens the listing that the flags ask for, and shows it. */
  readonly list: (invocation: Invocation, show: ShowListing) => Promise<ExitCode>;
}

type Open<Spec extends object> = (invocation: Invocation) => Listing<Spec> | Promise<Listing<Spec>>;

/** All kinds that `get` lists. */
export const LISTINGS: ReadonlyMap<KnownDefinition, ListedKind> = /* @__PURE__ */ new Map<
  KnownDefinition,
  ListedKind
>([
  [AFFILIATES, kind([], ofCluster(affiliateListing))],
  [RAW_AFFILIATES, kind([], ofCluster(rawAffiliateListing))],
  [MEMBERS, kind([], ofCluster(memberListing))],
  [IDENTITIES, kind(["identity"], identityListing)],
  [INFOS, kind([], infoListing)],
  [KUBESPAN_IDENTITIES, kind(["kubespan-identity"], kubespanIdentityListing)],
  [KUBESPAN_PEER_SPECS, kind(["identity"], openPeerSpecs)],
  [KUBESPAN_PEER_STATUSES, kind(["identity", "interface"], openPeerStatuses)],
  [KUBESPAN_ENDPOINTS, kind(["identity", "interface"], openSeenEndpoints)],
]);

function kind<Spec extends object>(flags: readonly string[], open: Open<Spec>): ListedKind {
  return { flags, list: async (invocation, show) => show(await open(invocation)) };
}

function ofCluster<Spec extends object>(
  listingOf: (access: ClusterAccess) => Listing<Spec>,
): Open<Spec> {
  return async ({ flags, io }) => listingOf(await readClusterAccess(flags, io));
}

async function openPeerSpecs({ flags, io }: Invocation): Promise<Listing<PeerSpec>> {
  const access = await readClusterAccess(flags, io);
  return peerSpecListing(access, await readLocalNodeId(flags, io));
}

async function openPeerStatuses(invocation: Invocation): Promise<Listing<PeerStatusSpec>> {
  const { flags, io } = invocation;
  return peerStatusListing(await readWireguardOptions(invocation, isClusterGiven(flags, io)));
}

async function openSeenEndpoints(invocation: Invocation): Promise<Listing<KubeSpanEndpointSpec>> {
  return seenEndpointListing(await readWireguardOptions(invocation, true));
}

async function readLocalNodeId(flags: Flags, io: CliIo): Promise<string | undefined> {
  const path = flags.text("identity");
  return path === undefined ? undefined : (await loadNodeIdentity(path, io)).nodeId;
}

/** @param asksCluster - Whether to read the flags that name a cluster, too. */
async function readWireguardOptions(
  { flags, io }: Invocation,
  asksCluster: boolean,
): Promise<WireguardListingOptions> {
  return {
    interfaceName: flags.requiredParsed("interface", parseInterfaceName),
    access: asksCluster ? await readClusterAccess(flags, io) : undefined,
    localNodeId: await readLocalNodeId(flags, io),
    env: io.env,
  };
}

/** Lists the identity in the file of `--identity`. */
function identityListing({ flags, io }: Invocation): Listing<IdentitySpec> {
  return localListing(IDENTITIES, LOCAL_IDENTITY_ID, async () => {
    const { nodeId } = await loadNodeIdentity(flags.requiredText("identity"), io);
    return { nodeId };
  });
}

/** Lists the cluster's ID and name. */
function infoListing({ flags, io }: Invocation): Listing<InfoSpec> {
  return localListing(INFOS, CURRENT_INFO_ID, async () => {
    const { clusterId, clusterName = "" } = await readClusterNames(flags, io);
    return { clusterId, clusterName };
  });
}

/** Lists the WireGuard identity in the file of `--kubespan-identity`. */
function kubespanIdentityListing({ flags, io }: Invocation): Listing<KubeSpanIdentitySpec> {
  return localListing(KUBESPAN_IDENTITIES, LOCAL_IDENTITY_ID, async () => {
    const path = flags.requiredText("kubespan-identity");
    // Key by key: the file has the private key too.
    const { address, subnet, publicKey } = await loadKubeSpanIdentity(path, io);
    return { address, subnet, publicKey };
  });
}

function localListing<Spec extends object>(
  definition: ResourceDefinition<Spec>,
  id: string,
  load: () => Promise<Spec>,
): Listing<Spec> {
  return {
    definition,
    node: LOCAL_NODE,
    async read() {
      const view = new ResourceView(definition);
      view.set(id, await load());
      return view.list();
    },
  };
}
