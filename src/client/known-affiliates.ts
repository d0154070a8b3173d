/**
 * What a client knows of the others, and who is told of its changes.
 *
 * A reader holds the IDs that changed since it last looked, not a queue of changes: its memory is bounded by the cluster,
 * however slow it is, and it is told the latest state of each.
 * @module
 */
import { Wakeup } from "../waiting/waits.ts";
import type { AffiliateChange, DiscoveredAffiliate } from "./affiliate-change.ts";

interface Reader {
  /** Changed since this reader looked, in the order of their first change. */
  readonly changed: Set<string>;
  /** Told to this reader, so that it hears of no leaving whose coming it missed. */
  readonly told: Set<string>;
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
    if (this.#affiliates.get(affiliate.nodeId) === affiliate) return;
    this.#affiliates.set(affiliate.nodeId, affiliate);
    this.#tell(affiliate.nodeId);
  }

  delete(nodeId: string): void {
    if (this.#affiliates.delete(nodeId)) this.#tell(nodeId);
  }

  /** Everything known, once there is a first snapshot, then the changes; ends when `signal` aborts. */
  async *watch(signal: AbortSignal): AsyncGenerator<AffiliateChange, void, undefined> {
    const reader: Reader = { changed: new Set(), told: new Set(), wakeup: new Wakeup() };
    try {
      if (!this.#started) await this.#startup.wait(signal);
      this.#readers.add(reader);
      for (const nodeId of this.#affiliates.keys()) reader.told.add(nodeId);
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

  #next(reader: Reader): AffiliateChange | undefined {
    for (const nodeId of reader.changed) {
      reader.changed.delete(nodeId);
      const affiliate = this.#affiliates.get(nodeId);
      if (affiliate !== undefined) {
        reader.told.add(nodeId);
        return { kind: "updated", affiliate };
      }
      if (reader.told.delete(nodeId)) return { kind: "deleted", nodeId };
    }
    return undefined;
  }

  #tell(nodeId: string): void {
    for (const reader of this.#readers) {
      // Came and went unseen: nothing to tell, and nothing to hold.
      if (!this.#affiliates.has(nodeId) && !reader.told.has(nodeId)) reader.changed.delete(nodeId);
      else reader.changed.add(nodeId);
      reader.wakeup.notify();
    }
  }
}
