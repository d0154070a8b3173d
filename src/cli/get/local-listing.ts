/**
 * What a machine knows without asking anybody: identities and infos. Each kind has one resource, which does not change.
 * @module
 */
import { loadKubeSpanIdentity, loadNodeIdentity } from "../../node/index.ts";
import {
  CURRENT_INFO_ID,
  IDENTITIES,
  type IdentitySpec,
  INFOS,
  type InfoSpec,
  KUBESPAN_IDENTITIES,
  type KubeSpanIdentitySpec,
  LOCAL_IDENTITY_ID,
  type ResourceDefinition,
  ResourceView,
} from "../../resources/index.ts";
import { readClusterNames } from "../cluster/cluster-access.ts";
import type { Invocation } from "../command.ts";
import { type Listing, LOCAL_NODE } from "./listing.ts";

/** Lists the identity in the file of `--identity`. */
export function identityListing({ flags }: Invocation): Listing<IdentitySpec> {
  return localListing(IDENTITIES, LOCAL_IDENTITY_ID, async () => {
    const { nodeId } = await loadNodeIdentity(flags.requiredText("identity"));
    return { nodeId };
  });
}

/** Lists the cluster's ID and name. */
export function infoListing({ flags, io }: Invocation): Listing<InfoSpec> {
  return localListing(INFOS, CURRENT_INFO_ID, async () => {
    const { clusterId, clusterName = "" } = await readClusterNames(flags, io);
    return { clusterId, clusterName };
  });
}

/** Lists the WireGuard identity in the file of `--kubespan-identity`. */
export function kubespanIdentityListing({ flags }: Invocation): Listing<KubeSpanIdentitySpec> {
  return localListing(KUBESPAN_IDENTITIES, LOCAL_IDENTITY_ID, async () => {
    const path = flags.requiredText("kubespan-identity");
    // Key by key: the file has the private key too.
    const { address, subnet, publicKey } = await loadKubeSpanIdentity(path);
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
