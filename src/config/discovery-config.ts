/**
 * What a Talos configuration says about discovery, in one shape for both of its forms.
 * @see docs/conformance.md, "Configuration"
 * @module
 */
import { DiscoveryError } from "../errors.ts";
import {
  type DiscoveryConfig,
  findMachineConfig,
  readIdentity,
  readServices,
} from "./discovery-settings.ts";
import { type ConfigProblem, ConfigText } from "./documents.ts";

export type { ConfiguredService, DiscoveryConfig } from "./discovery-settings.ts";

/** Options of {@link parseDiscoveryConfig}. */
export interface ParseConfigOptions {
  /** What an error calls the text: a path. @default "configuration" */
  readonly source?: string;
}

/** A configuration that is wrong: a `DiscoveryError` with the code `ERR_CONFIG_INVALID`. */
export class ConfigError extends DiscoveryError {
  /** Everything that is wrong, in the order of the text. */
  readonly problems: readonly ConfigProblem[];

  constructor(source: string, problems: readonly ConfigProblem[]) {
    super("ERR_CONFIG_INVALID", problems.map((problem) => describe(source, problem)).join("; "));
    this.problems = problems;
  }
}

/**
 * Reads what a Talos configuration says about discovery. Documents and keys that do not concern it
 * are passed over.
 *
 * @param text - YAML: a machine configuration (`.cluster.id`, `.cluster.secret`,
 *   `.cluster.discovery`), documents (`DiscoveryIdentityConfig`, `DiscoveryServiceConfig`), or both
 *   where they do not say the same thing twice.
 * @throws {ConfigError} which names each problem by source, line, document and key, and repeats no
 *   value.
 * @example
 * const { clusterId, services } = parseDiscoveryConfig(await readFile("controlplane.yaml", "utf8"));
 */
export function parseDiscoveryConfig(
  text: string,
  { source = "configuration" }: ParseConfigOptions = {},
): DiscoveryConfig {
  if (typeof text !== "string") throw new TypeError("text: not a string");
  const config = new ConfigText(text);
  const machineConfig = findMachineConfig(config.documents);
  const { clusterId, clusterSecret } = readIdentity(config.documents, machineConfig);
  const discovery = readServices(config.documents, machineConfig);
  const cluster = machineConfig?.map("cluster");
  const read: DiscoveryConfig = {
    ...discovery,
    clusterId,
    clusterName: cluster?.text("clusterName"),
    controlPlaneEndpoint: cluster?.map("controlPlane")?.text("endpoint"),
    machineType: machineConfig?.map("machine")?.text("type"),
    get clusterSecret() {
      return clusterSecret;
    },
  };
  if (config.problems.length > 0) throw new ConfigError(source, config.problems);
  // A getter, so that not even an inspection of hidden properties shows it.
  return Object.defineProperty(read, "clusterSecret", { enumerable: false });
}

function describe(source: string, { line, document, key, reason }: ConfigProblem): string {
  const where = `${source}: document ${document}, line ${line}`;
  return key === "" ? `${where}: ${reason}` : `${where}: ${key}: ${reason}`;
}
