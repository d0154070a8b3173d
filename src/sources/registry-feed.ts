/**
 * What a registry knows, and who is told of its changes: the part that every
 * {@link DiscoveryRegistry} needs.
 * @module
 */
import { ChangeFeed } from "../async/change-feed.ts";
import type { SignalOptions } from "../async/waits.ts";
import type { AffiliateSpec } from "../resources/affiliate.ts";
import { isSameSpec } from "../resources/versions.ts";
import type { RegistryChange, RegistryStatus } from "./discovery-registry.ts";

/**
 * Holds a registry's affiliates and status, and tells any number of readers.
 *
 * @example
 * class PhoneBook implements DiscoveryRegistry {
 *   readonly name = "phone-book";
 *   readonly #feed = new RegistryFeed({ phase: "stopped", source: "phone-book.txt" });
 *   get status() { return this.#feed.status; }
 *   get affiliates() { return this.#feed.affiliates; }
 *   watch(options) { return this.#feed.watch(options); }
 *   async run({ signal }) {
 *     this.#feed.replace(await readPhoneBook());
 *     this.#feed.setStatus({ phase: "connected", source: "phone-book.txt" });
 *     …
 *   }
 * }
 */
export class RegistryFeed {
  readonly #feed: ChangeFeed<AffiliateSpec> = new ChangeFeed();
  #status: RegistryStatus;

  /** @param status - Before `run`. */
  constructor(status: RegistryStatus) {
    this.#status = status;
  }

  get status(): RegistryStatus {
    return this.#status;
  }

  /** By node ID; live. */
  get affiliates(): ReadonlyMap<string, AffiliateSpec> {
    return this.#feed.items;
  }

  /** Tells where the registry stands. The same again is no change. */
  setStatus(status: RegistryStatus): void {
    if (isSameStatus(this.#status, status)) return;
    this.#status = status;
    this.#feed.readers.wake();
  }

  /** Takes these for all that the source has. After the first time, readers have their snapshot. */
  replace(affiliates: Iterable<AffiliateSpec>): void {
    const next = new Map<string, AffiliateSpec>();
    for (const affiliate of affiliates) next.set(affiliate.nodeId, affiliate);
    for (const nodeId of this.affiliates.keys()) if (!next.has(nodeId)) this.delete(nodeId);
    for (const affiliate of next.values()) this.set(affiliate);
    this.start();
  }

  /** What is known is all that the source has: readers have their snapshot, also of nothing. */
  start(): void {
    this.#feed.readers.start();
  }

  /** Adds or replaces one. An equal one is no change. */
  set(affiliate: AffiliateSpec): void {
    const known = this.affiliates.get(affiliate.nodeId);
    if (known !== undefined && isSameSpec(known, affiliate)) return;
    this.#feed.set(affiliate.nodeId, affiliate);
  }

  delete(nodeId: string): void {
    this.#feed.delete(nodeId);
  }

  /**
   * {@link DiscoveryRegistry.watch}: each status, and everything known once there is an answer,
   * then the changes.
   */
  watch(options?: SignalOptions): AsyncGenerator<RegistryChange, void, undefined> {
    let told: RegistryStatus | undefined;
    return this.#feed.watch<RegistryChange>(
      {
        news: () => {
          if (told === this.#status) return undefined;
          told = this.#status;
          return { kind: "status", status: told };
        },
        snapshot: () => ({ kind: "snapshot", affiliates: [...this.affiliates.values()] }),
        change: (nodeId, affiliate) =>
          affiliate === undefined ? { kind: "deleted", nodeId } : { kind: "updated", affiliate },
      },
      options,
    );
  }
}

/** Whether two say the same. */
export function isSameStatus(a: RegistryStatus, b: RegistryStatus): boolean {
  return a === b || (a.phase === b.phase && a.source === b.source && a.lastError === b.lastError);
}
