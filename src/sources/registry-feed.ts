/**
 * What a registry knows, and who is told of its changes: the part that every {@link DiscoveryRegistry} needs.
 * @module
 */
import { UnreadChanges } from "../async/unread-changes.ts";
import type { SignalOptions } from "../async/waits.ts";
import type { AffiliateSpec } from "../resources/affiliate.ts";
import { isSameSpec } from "../resources/versions.ts";
import type { RegistryChange, RegistryStatus } from "./discovery-registry.ts";

interface Reader {
  readonly unread: UnreadChanges<AffiliateSpec>;
  toldStatus: RegistryStatus | undefined;
  hasSnapshot: boolean;
  wake: () => void;
}

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
  readonly #affiliates = new Map<string, AffiliateSpec>();
  readonly #readers = new Set<Reader>();
  #hasAnswered = false;
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
    return this.#affiliates;
  }

  /** Tells where the registry stands. The same again is no change. */
  setStatus(status: RegistryStatus): void {
    if (isSameStatus(this.#status, status)) return;
    this.#status = status;
    this.#wakeAll();
  }

  /** Takes these for all that the source has. After the first time, readers have their snapshot. */
  replace(affiliates: Iterable<AffiliateSpec>): void {
    const next = new Map<string, AffiliateSpec>();
    for (const affiliate of affiliates) next.set(affiliate.nodeId, affiliate);
    for (const nodeId of this.#affiliates.keys()) if (!next.has(nodeId)) this.delete(nodeId);
    for (const affiliate of next.values()) this.set(affiliate);
    this.#hasAnswered = true;
    this.#wakeAll();
  }

  /** Adds or replaces one. An equal one is no change. */
  set(affiliate: AffiliateSpec): void {
    const known = this.#affiliates.get(affiliate.nodeId);
    if (known !== undefined && isSameSpec(known, affiliate)) return;
    this.#affiliates.set(affiliate.nodeId, affiliate);
    this.#tell(affiliate.nodeId, known, affiliate);
  }

  delete(nodeId: string): void {
    const known = this.#affiliates.get(nodeId);
    if (this.#affiliates.delete(nodeId)) this.#tell(nodeId, known, undefined);
  }

  /** {@link DiscoveryRegistry.watch}: each status, and everything known once there is an answer, then the changes. */
  async *watch({ signal }: SignalOptions = {}): AsyncGenerator<RegistryChange, void, undefined> {
    const reader: Reader = {
      unread: new UnreadChanges(),
      toldStatus: undefined,
      hasSnapshot: false,
      wake: () => {},
    };
    const onAbort = () => reader.wake();
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#readers.add(reader);
    try {
      while (!signal?.aborted) {
        const change = this.#next(reader);
        if (change !== undefined) yield change;
        else {
          await new Promise<void>((resolve) => {
            reader.wake = resolve;
          });
        }
      }
    } finally {
      this.#readers.delete(reader);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  #next(reader: Reader): RegistryChange | undefined {
    const status = this.#status;
    if (reader.toldStatus !== status) {
      reader.toldStatus = status;
      return { kind: "status", status };
    }
    if (!reader.hasSnapshot) return this.#hasAnswered ? this.#snapshot(reader) : undefined;
    for (const [nodeId] of reader.unread.take()) {
      const affiliate = this.#affiliates.get(nodeId);
      return affiliate === undefined ? { kind: "deleted", nodeId } : { kind: "updated", affiliate };
    }
    return undefined;
  }

  #snapshot(reader: Reader): RegistryChange {
    reader.hasSnapshot = true;
    return { kind: "snapshot", affiliates: [...this.#affiliates.values()] };
  }

  #tell(nodeId: string, before: AffiliateSpec | undefined, after: AffiliateSpec | undefined): void {
    for (const reader of this.#readers) {
      if (reader.hasSnapshot) reader.unread.mark(nodeId, before, after);
      reader.wake();
    }
  }

  #wakeAll(): void {
    for (const reader of this.#readers) reader.wake();
  }
}

/** Whether two say the same. */
export function isSameStatus(a: RegistryStatus, b: RegistryStatus): boolean {
  return a === b || (a.phase === b.phase && a.source === b.source && a.lastError === b.lastError);
}
