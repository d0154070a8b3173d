/**
 * What a client knows of the others, and who is told of its changes.
 * @module
 */
import { UnreadChanges } from "../async/unread-changes.ts";
import { Wakeup } from "../async/waits.ts";
import type { AffiliateChange, DiscoveredAffiliate } from "./affiliate-change.ts";

interface Reader {
  readonly unread: UnreadChanges<DiscoveredAffiliate>;
  readonly wakeup: Wakeup;
}

export class KnownAffiliates {
  readonly #affiliates = new Map<string, DiscoveredAffiliate>();
  readonly #readers = new Set<Reader>();
  readonly #startup: Wakeup = new Wakeup();
  #started = false;

  /** By node ID; live. */
  get affiliates(): ReadonlyMap<string, DiscoveredAffiliate> {
    return this.#affiliates;
  }

  /** The first snapshot of a service is in: readers may start. Later calls do nothing. */
  start(): void {
    this.#started = true;
    this.#startup.notify();
  }

  /** Adds or replaces. The same object again is no change. */
  set(affiliate: DiscoveredAffiliate): void {
    const before = this.#affiliates.get(affiliate.nodeId);
    if (before === affiliate) return;
    this.#affiliates.set(affiliate.nodeId, affiliate);
    this.#tell(affiliate.nodeId, before, affiliate);
  }

  delete(nodeId: string): void {
    const before = this.#affiliates.get(nodeId);
    if (this.#affiliates.delete(nodeId)) this.#tell(nodeId, before, undefined);
  }

  /** Everything known, once there is a first snapshot, then the changes; ends when `signal` aborts. */
  async *watch(signal: AbortSignal): AsyncGenerator<AffiliateChange, void, undefined> {
    const reader: Reader = { unread: new UnreadChanges(), wakeup: new Wakeup() };
    try {
      if (!this.#started) await this.#startup.wait(signal);
      this.#readers.add(reader);
      yield { kind: "snapshot", affiliates: [...this.#affiliates.values()] };
      while (!signal.aborted) {
        const change = this.#next(reader);
        if (change === undefined) await reader.wakeup.wait(signal);
        else yield change;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#readers.delete(reader);
    }
  }

  #next({ unread }: Reader): AffiliateChange | undefined {
    for (const [nodeId] of unread.take()) {
      const affiliate = this.#affiliates.get(nodeId);
      return affiliate === undefined ? { kind: "deleted", nodeId } : { kind: "updated", affiliate };
    }
    return undefined;
  }

  #tell(
    nodeId: string,
    before: DiscoveredAffiliate | undefined,
    after: DiscoveredAffiliate | undefined,
  ): void {
    for (const { unread, wakeup } of this.#readers) {
      unread.mark(nodeId, before, after);
      wakeup.notify();
    }
  }
}
