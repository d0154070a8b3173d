/**
 * What a Talos configuration says about discovery, in one shape for both of its forms.
 * @see docs/conformance.md, "Configuration"
 * @module
 */

/** A discovery service that a configuration names. */
export interface ConfiguredService {
  /** The document's name; `legacy` for the one of `.cluster.discovery`. */
  readonly name: string;
  /** `http`, `https` or `grpc` URL, as it was written. */
  readonly endpoint: string;
}

/** A cluster's discovery settings. `clusterSecret` is in no JSON, no inspection and no error. */
export interface DiscoveryConfig {
  /** Absent where no document has it. */
  readonly clusterId: string | undefined;
  /** Base64 of 32 bytes; absent where no document has it. Not enumerable. */
  readonly clusterSecret: string | undefined;
  /** `.cluster.clusterName`. */
  readonly clusterName: string | undefined;
  /** Services to register with, in the order of the documents; none where that registry is off. */
  readonly services: readonly ConfiguredService[];
  /** Whether the Kubernetes registry is on. */
  readonly kubernetes: boolean;
}
