/**
 * Registries side by side, merged into what a node knows of its cluster.
 * @module
 */

export type { Sleep } from "../async/timers.ts";
export type { SignalOptions } from "../async/waits.ts";
export type { LocalAffiliate } from "../resources/affiliate.ts";
export type {
  DiscoveryRegistry,
  RegistryChange,
  RegistryPart,
  RegistryStatus,
} from "../sources/discovery-registry.ts";
export {
  discoveryRegistryCases,
  type RegistryCase,
  type RegistryCasesOptions,
  type RegistryUnderTest,
} from "../sources/registry-cases.ts";
export { RegistryFeed } from "../sources/registry-feed.ts";
export {
  type NamedService,
  ServiceRegistry,
  type ServiceRegistryOptions,
  type ServiceState,
} from "../sources/service/service-registry.ts";
export { parseStaticMembers } from "../sources/static/static-members.ts";
export { StaticRegistry, type StaticRegistryOptions } from "../sources/static/static-registry.ts";
export { Discovery, type DiscoveryOptions } from "./discovery.ts";
export type { DiscoveryChange, DiscoveryState } from "./discovery-change.ts";
