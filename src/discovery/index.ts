/**
 * Registries side by side, merged into what a node knows of its cluster.
 * @module
 */

export type {
  DiscoveryRegistry,
  LocalAffiliate,
  RegistryChange,
  RegistryStatus,
} from "../resources/discovery-registry.ts";
export type { SignalOptions, Sleep } from "../waiting/waits.ts";
export { Discovery, type DiscoveryOptions } from "./discovery.ts";
export type { DiscoveryChange, DiscoveryState } from "./discovery-change.ts";
export {
  discoveryRegistryCases,
  type RegistryCase,
  type RegistryCasesOptions,
  type RegistryUnderTest,
} from "./registry-cases.ts";
export {
  type NamedService,
  ServiceRegistry,
  type ServiceRegistryOptions,
  type ServiceState,
} from "./service-registry.ts";
export { parseStaticMembers } from "./static-members.ts";
export { StaticRegistry, type StaticRegistryOptions } from "./static-registry.ts";
