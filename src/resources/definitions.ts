/**
 * The kinds of resources: their names, and the columns under which people know them.
 * @module
 */
import type { AffiliateSpec } from "./affiliate.ts";
import type { MemberSpec } from "./member.ts";
import { CLUSTER_NAMESPACE } from "./resource.ts";

/** Spec of `Identities.cluster.talos.dev`. */
export interface IdentitySpec {
  /** Base62. */
  readonly nodeId: string;
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
  /** What people type, in lower case, the usual one first: plural, singular, initials. */
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

/** ID of the one identity that a node has. */
export const LOCAL_IDENTITY_ID = "local";
