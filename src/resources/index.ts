/**
 * What nodes know of each other, as plain data: affiliates, members, identities, WireGuard peers.
 * @module
 */

export type { SignalOptions } from "../async/waits.ts";
export {
  type AffiliateSource,
  type AffiliateSpec,
  createAffiliateSpec,
  type KubeSpanAffiliateSpec,
  type LocalAffiliate,
} from "./affiliate.ts";
export { apiServerEndpoints, controlPlaneEndpoints } from "./control-plane.ts";
export {
  AFFILIATES,
  CURRENT_INFO_ID,
  DEFINITIONS,
  findDefinition,
  IDENTITIES,
  type IdentitySpec,
  INFOS,
  type InfoSpec,
  type KnownDefinition,
  KUBESPAN_ENDPOINTS,
  KUBESPAN_IDENTITIES,
  KUBESPAN_PEER_SPECS,
  KUBESPAN_PEER_STATUSES,
  LOCAL_IDENTITY_ID,
  MEMBERS,
  RAW_AFFILIATES,
  type ResourceColumn,
  type ResourceDefinition,
} from "./definitions.ts";
export type {
  KubeSpanEndpointSpec,
  KubeSpanIdentitySpec,
  PeerSpec,
  PeerState,
  PeerStatusSpec,
} from "./kubespan.ts";
export { type MachineType, parseMachineType } from "./machine-type.ts";
export { type MemberSpec, membersOf } from "./member.ts";
export { mergeAffiliates } from "./merge.ts";
export {
  CLUSTER_NAMESPACE,
  KUBESPAN_NAMESPACE,
  RAW_NAMESPACE,
  type Resource,
  type ResourceEvent,
  type ResourceMetadata,
} from "./resource.ts";
export { ResourceView, type ResourceViewOptions } from "./versions.ts";
