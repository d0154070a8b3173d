/**
 * What a source of affiliates is to a node: a discovery service, Kubernetes, a file. Anybody may
 * write one; `discoveryRegistryCases` of `talos-discovery/discovery` says what it must hold.
 * @module
 */

import type { SignalOptions } from "../async/waits.ts";
import type { DiscoveryError } from "../errors.ts";
import type { AffiliateSpec, LocalAffiliate } from "../resources/affiliate.ts";

/**
 * One step of {@link DiscoveryRegistry.watch}: everything known, then each change; a new status at
 * any time, also before.
 */
export type RegistryChange =
  | { readonly kind: "snapshot"; readonly affiliates: readonly AffiliateSpec[] }
  | { readonly kind: "updated"; readonly affiliate: AffiliateSpec }
  | { readonly kind: "deleted"; readonly nodeId: string }
  | { readonly kind: "status"; readonly status: RegistryStatus };

/** Where a registry stands. */
export interface RegistryStatus {
  /**
   * - `stopped`: `run` is not running.
   * - `connecting`: on the way to its first answer.
   * - `connected`: what is known follows the source.
   * - `waiting`: for the next attempt; see `lastError`. What was known stays known.
   */
  readonly phase: "stopped" | "connecting" | "connected" | "waiting";
  /** Where it looks, for people: a URL, a path. Never with a secret. */
  readonly source: string;
  /** Of the last attempt that failed, until one works. */
  readonly lastError?: DiscoveryError | undefined;
}

/** One of the places of which a source consists, such as one of several services. Live. */
export interface RegistryPart {
  /** What was configured, for people: a URL. Never with a secret. */
  readonly name: string;
  /** Where this part stands; its `source` is where it looks now, after redirects. */
  readonly status: RegistryStatus;
  /** How many attempts have failed so far, also such as nobody looked at in time. */
  readonly failureCount: number;
  /** Our IP address as this part sees it, in canonical text, if it tells. */
  readonly publicAddress?: string | undefined;
  /** As {@link DiscoveryRegistry.flush}, of this part alone. */
  flush(options?: SignalOptions): Promise<void>;
}

/** A source of affiliates. What happens outside never ends `run`, and never throws from here. */
export interface DiscoveryRegistry {
  /**
   * Stands before the node ID in raw IDs: `k8s`, `service`, `static`. Unique among the registries
   * of one `Discovery`, which merges them in the order of these names, later over earlier.
   */
  readonly name: string;
  readonly status: RegistryStatus;
  /**
   * The others, by node ID, as last heard of: never the local node. Live; stays while the source
   * cannot be reached.
   */
  readonly affiliates: ReadonlyMap<string, AffiliateSpec>;
  /**
   * First a snapshot, as soon as the source has answered once, then each change; ends, without an
   * error, with `signal`.
   */
  watch(options?: SignalOptions): AsyncIterable<RegistryChange>;
  /**
   * Follows the source, and tells it what was published, until `signal` aborts; then resolves with
   * everything freed.
   */
  run(options?: SignalOptions): Promise<void>;
  /** Sets what is told about this node. A registry that is only read has no such method. */
  publish?(local: LocalAffiliate): void;
  /** Takes back what was told. */
  withdraw?(): void;
  /** Resolves when the source has accepted the last `publish` or `withdraw`. */
  flush?(options?: SignalOptions): Promise<void>;
  /** The places of a source that has several; a source without is one place itself. */
  readonly parts?: readonly RegistryPart[] | undefined;
  /**
   * For a source with `parts`: resolves when each has answered or failed once, and `affiliates` has
   * what they said.
   */
  settled?(options?: SignalOptions): Promise<void>;
}
