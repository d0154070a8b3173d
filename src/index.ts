/**
 * The everyday API: the client, the registry, identities, what nodes know, and errors. Transports
 * are in `talos-discovery/node` and `talos-discovery/web`, the service's handlers in
 * `talos-discovery/server`.
 * @module
 */
export * from "./client/index.ts";
export { DiscoveryError, type DiscoveryErrorCode, isDiscoveryError } from "./errors.ts";
export * from "./identity/index.ts";
export * from "./registry/index.ts";
export * from "./resources/index.ts";
export type {
  DiscoveryRegistry,
  RegistryChange,
  RegistryPart,
  RegistryStatus,
} from "./sources/discovery-registry.ts";
export { RegistryFeed } from "./sources/registry-feed.ts";
