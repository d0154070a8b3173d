/**
 * What nodes know of each other, as plain data: affiliates, members, identities.
 * @module
 */
export {
  type AffiliateSource,
  type AffiliateSpec,
  createAffiliateSpec,
  type KubeSpanAffiliateSpec,
} from "./affiliate.ts";
export {
  AFFILIATES,
  IDENTITIES,
  type IdentitySpec,
  LOCAL_IDENTITY_ID,
  MEMBERS,
  type ResourceColumn,
  type ResourceDefinition,
} from "./definitions.ts";
export type {
  DiscoveryRegistry,
  LocalAffiliate,
  RegistryChange,
  RegistryStatus,
} from "./discovery-registry.ts";
export { type MachineType, parseMachineType } from "./machine-type.ts";
export { type MemberSpec, membersOf } from "./member.ts";
export {
  CLUSTER_NAMESPACE,
  type Resource,
  type ResourceEvent,
  type ResourceMetadata,
} from "./resource.ts";
export { ResourceView, type ResourceViewOptions } from "./versions.ts";
