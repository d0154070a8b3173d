/**
 * The kinds of resources: their names, and the columns under which people know them.
 * @module
 */
import type { AffiliateSpec } from "./affiliate.ts";
import type {
  KubeSpanEndpointSpec,
  KubeSpanIdentitySpec,
  PeerSpec,
  PeerStatusSpec,
} from "./kubespan.ts";
import type { MemberSpec } from "./member.ts";
import { CLUSTER_NAMESPACE, KUBESPAN_NAMESPACE, RAW_NAMESPACE } from "./resource.ts";

/** Spec of `Identities.cluster.talos.dev`. */
export interface IdentitySpec {
  /** Base62. */
  readonly nodeId: string;
}

/** Spec of `Infos.cluster.talos.dev`. */
export interface InfoSpec {
  readonly clusterId: string;
  /** Empty where nobody has named the cluster. */
  readonly clusterName: string;
}

/** A column of a kind's own; NAMESPACE, TYPE, ID and VERSION stand before these. */
export interface ResourceColumn<Spec> {
  readonly title: string;
  /** Lists are shown as compact JSON arrays. */
  readonly cell: (spec: Spec) => string | readonly string[];
}

/** What to know of a kind of resource to list it. */
export interface ResourceDefinition<Spec> {
  /** Full type, as in metadata: `Members.cluster.talos.dev`. */
  readonly type: string;
  /** What the TYPE column says: `Member`. */
  readonly displayType: string;
  readonly namespace: string;
  /**
   * What people type, in lower case, the usual one first: plural, singular, initials of the words.
   * Where two kinds have the same initials, only the more usual one has them.
   */
  readonly names: readonly string[];
  readonly columns: readonly ResourceColumn<Spec>[];
}

/** Affiliates; the ID is the node ID. */
export const AFFILIATES: ResourceDefinition<AffiliateSpec> = {
  type: "Affiliates.cluster.talos.dev",
  displayType: "Affiliate",
  namespace: CLUSTER_NAMESPACE,
  names: ["affiliates", "affiliate", "a"],
  columns: [
    { title: "HOSTNAME", cell: (spec) => spec.hostname },
    { title: "MACHINE TYPE", cell: (spec) => spec.machineType },
    { title: "ADDRESSES", cell: (spec) => spec.addresses },
  ],
};

/**
 * Affiliates as each registry has them; the ID is the registry's name, `/` and the node ID:
 * `k8s/2VfX…`.
 */
export const RAW_AFFILIATES: ResourceDefinition<AffiliateSpec> = {
  type: AFFILIATES.type,
  displayType: AFFILIATES.displayType,
  namespace: RAW_NAMESPACE,
  names: AFFILIATES.names,
  columns: AFFILIATES.columns,
};

/** Members; the ID is the node name. */
export const MEMBERS: ResourceDefinition<MemberSpec> = {
  type: "Members.cluster.talos.dev",
  displayType: "Member",
  namespace: CLUSTER_NAMESPACE,
  names: ["members", "member", "m"],
  columns: [
    { title: "HOSTNAME", cell: (spec) => spec.hostname },
    { title: "MACHINE TYPE", cell: (spec) => spec.machineType },
    { title: "OS", cell: (spec) => spec.operatingSystem },
    { title: "ADDRESSES", cell: (spec) => spec.addresses },
  ],
};

/** A node's own identity; the ID is always {@link LOCAL_IDENTITY_ID}. */
export const IDENTITIES: ResourceDefinition<IdentitySpec> = {
  type: "Identities.cluster.talos.dev",
  displayType: "Identity",
  namespace: CLUSTER_NAMESPACE,
  names: ["identities", "identity", "i"],
  columns: [{ title: "ID", cell: (spec) => spec.nodeId }],
};

/** ID of the one identity that a node has, and of its KubeSpan identity. */
export const LOCAL_IDENTITY_ID = "local";

/** The cluster's ID and name; the ID is always {@link CURRENT_INFO_ID}. */
export const INFOS: ResourceDefinition<InfoSpec> = {
  type: "Infos.cluster.talos.dev",
  displayType: "Info",
  namespace: CLUSTER_NAMESPACE,
  names: ["infos", "info"],
  columns: [
    { title: "CLUSTER ID", cell: (spec) => spec.clusterId },
    { title: "CLUSTER NAME", cell: (spec) => spec.clusterName },
  ],
};

/** ID of the one info that a node has. */
export const CURRENT_INFO_ID = "current";

/** A node's own WireGuard key; the ID is always {@link LOCAL_IDENTITY_ID}. */
export const KUBESPAN_IDENTITIES: ResourceDefinition<KubeSpanIdentitySpec> = {
  type: "KubeSpanIdentities.kubespan.talos.dev",
  displayType: "KubeSpanIdentity",
  namespace: KUBESPAN_NAMESPACE,
  names: ["kubespanidentities", "kubespanidentity", "ksi"],
  columns: [
    { title: "ADDRESS", cell: (spec) => spec.address },
    { title: "PUBLICKEY", cell: (spec) => spec.publicKey },
  ],
};

/** WireGuard peers as they should be; the ID is the public key. */
export const KUBESPAN_PEER_SPECS: ResourceDefinition<PeerSpec> = {
  type: "KubeSpanPeerSpecs.kubespan.talos.dev",
  displayType: "KubeSpanPeerSpec",
  namespace: KUBESPAN_NAMESPACE,
  names: ["kubespanpeerspecs", "kubespanpeerspec", "ksps"],
  columns: [
    { title: "LABEL", cell: (spec) => spec.label },
    { title: "ENDPOINTS", cell: (spec) => spec.endpoints },
  ],
};

/** WireGuard peers as they are; the ID is the public key. */
export const KUBESPAN_PEER_STATUSES: ResourceDefinition<PeerStatusSpec> = {
  type: "KubeSpanPeerStatuses.kubespan.talos.dev",
  displayType: "KubeSpanPeerStatus",
  namespace: KUBESPAN_NAMESPACE,
  names: ["kubespanpeerstatuses", "kubespanpeerstatus"],
  columns: [
    { title: "LABEL", cell: (spec) => spec.label },
    { title: "ENDPOINT", cell: (spec) => spec.endpoint },
    { title: "STATE", cell: (spec) => spec.state },
    { title: "RX", cell: (spec) => `${spec.receiveBytes}` },
    { title: "TX", cell: (spec) => `${spec.transmitBytes}` },
  ],
};

/** Where peers were seen, to be told to others; the ID is the public key. */
export const KUBESPAN_ENDPOINTS: ResourceDefinition<KubeSpanEndpointSpec> = {
  type: "KubeSpanEndpoints.kubespan.talos.dev",
  displayType: "KubeSpanEndpoint",
  namespace: KUBESPAN_NAMESPACE,
  names: ["kubespanendpoints", "kubespanendpoint", "kse"],
  columns: [
    { title: "ENDPOINT", cell: (spec) => spec.endpoint },
    { title: "AFFILIATE ID", cell: (spec) => spec.affiliateId },
  ],
};

/** Any of the kinds that this package knows. */
export type KnownDefinition =
  | ResourceDefinition<AffiliateSpec>
  | ResourceDefinition<MemberSpec>
  | ResourceDefinition<IdentitySpec>
  | ResourceDefinition<InfoSpec>
  | ResourceDefinition<KubeSpanIdentitySpec>
  | ResourceDefinition<PeerSpec>
  | ResourceDefinition<PeerStatusSpec>
  | ResourceDefinition<KubeSpanEndpointSpec>;

/** All kinds; of two with one name, the one of the usual namespace comes first. */
export const DEFINITIONS: readonly KnownDefinition[] = [
  AFFILIATES,
  RAW_AFFILIATES,
  MEMBERS,
  IDENTITIES,
  INFOS,
  KUBESPAN_IDENTITIES,
  KUBESPAN_PEER_SPECS,
  KUBESPAN_PEER_STATUSES,
  KUBESPAN_ENDPOINTS,
];

/**
 * Finds a kind as people name it.
 *
 * @param name - Plural, singular, initials or the full type, in any case.
 * @param namespace - Where to look. @default the kind's usual one
 * @returns `undefined` where there is none of that name, or none in that namespace.
 * @example
 * findDefinition("ksps")?.type; // "KubeSpanPeerSpecs.kubespan.talos.dev"
 * findDefinition("affiliates", "cluster-raw") === RAW_AFFILIATES; // true
 */
export function findDefinition(name: string, namespace?: string): KnownDefinition | undefined {
  const wanted = name.toLowerCase();
  return DEFINITIONS.find(
    (definition) =>
      (definition.names.includes(wanted) || definition.type.toLowerCase() === wanted) &&
      (namespace === undefined || definition.namespace === namespace),
  );
}
