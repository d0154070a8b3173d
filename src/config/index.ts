/**
 * Talos' configuration documents, as far as discovery is concerned.
 * @module
 */
export type { ConfiguredService, DiscoveryConfig } from "./discovery-config.ts";
