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
export { DEFAULT_SERVICE_ENDPOINT } from "./discovery-settings.ts";
export type { ConfigProblem } from "./documents.ts";
