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
