/**
 * A registry of what its owner says: hosts that cannot publish themselves.
 * @module
 */

import { Lifecycle } from "../../async/lifecycle.ts";
import { type SignalOptions, untilAborted } from "../../async/waits.ts";
import type { DiscoveryError } from "../../errors.ts";
import type { AffiliateSpec } from "../../resources/affiliate.ts";
import type { DiscoveryRegistry, RegistryChange, RegistryStatus } from "../discovery-registry.ts";
import { RegistryFeed } from "../registry-feed.ts";

export interface StaticRegistryOptions {
  /** With a node ID each; of two with one ID, the later counts. */
  readonly affiliates: Iterable<AffiliateSpec>;
  /** Where they are from, for people: the path of a file. @default "static" */
  readonly source?: string | undefined;
}

/**
 * Affiliates that are only read. Its name sorts after `k8s` and `service`, so that what it says of
 * a node counts most.
 *
 * @example
 * const registry = new StaticRegistry({ affiliates: parseStaticMembers(text, "hosts.yaml"), source: "hosts.yaml" });
 * const discovery = new Discovery({ registries: [serviceRegistry, registry], nodeId });
 */
export class StaticRegistry implements DiscoveryRegistry {
  readonly name = "static";
  readonly #source: string;
  readonly #feed: RegistryFeed;
  readonly #life: Lifecycle = new Lifecycle("this registry");
  #isRunning = false;
  #lastError: DiscoveryError | undefined;

  constructor({ affiliates, source = "static" }: StaticRegistryOptions) {
    this.#source = source;
    this.#feed = new RegistryFeed({ phase: "stopped", source });
    this.#feed.replace(affiliates);
  }

  get status(): RegistryStatus {
    return this.#feed.status;
  }

  get affiliates(): ReadonlyMap<string, AffiliateSpec> {
    return this.#feed.affiliates;
  }

  /**
   * Takes these in place of all before, and whatever failed for mended. Equal ones are no change.
   */
  replace(affiliates: Iterable<AffiliateSpec>): void {
    this.#feed.replace(affiliates);
    this.#lastError = undefined;
    this.#tellStatus();
  }

  /**
   * Tells that there is something newer, which cannot be had. What was known stays known, until the
   * next `replace`.
   */
  fail(error: DiscoveryError): void {
    this.#lastError = error;
    this.#tellStatus();
  }

  watch(options?: SignalOptions): AsyncIterable<RegistryChange> {
    return this.#feed.watch(options);
  }

  /** @throws {TypeError} while it is running already. */
  async run({ signal }: SignalOptions = {}): Promise<void> {
    await this.#life.run(signal, async (own) => {
      this.#isRunning = true;
      this.#tellStatus();
      await untilAborted(own);
      this.#isRunning = false;
      this.#tellStatus();
    });
  }

  #tellStatus(): void {
    const error = this.#lastError;
    const runs = error === undefined ? "connected" : "waiting";
    this.#feed.setStatus({
      phase: this.#isRunning ? runs : "stopped",
      source: this.#source,
      ...(error !== undefined ? { lastError: error } : {}),
    });
  }
}
