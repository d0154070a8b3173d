/**
 * Talos' configuration documents, as far as discovery is concerned.
 * @module
 */
export {
  ConfigError,
  type ConfiguredService,
  type DiscoveryConfig,
  type ParseConfigOptions,
  parseDiscoveryConfig,
} from "./discovery-config.ts";
export type { ConfigProblem } from "./documents.ts";
