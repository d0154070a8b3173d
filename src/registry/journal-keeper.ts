/**
 * Writes a registry's changes and its whole content to an optional journal.
 * @module
 */
import { expire } from "./affiliate-state.ts";
import type { Cluster } from "./cluster.ts";
import {
  type Journal,
  type JournalAffiliate,
  type JournalCluster,
  toJournalAffiliate,
} from "./journal.ts";
import type { AffiliateState } from "./packed-affiliate.ts";

/** Writes to a journal, one save at a time, and remembers whether that worked. */
export class JournalKeeper {
  readonly #journal: Journal | undefined;
  #error: unknown;
  #saving: Promise<void> = Promise.resolve();

  constructor(journal: Journal | undefined) {
    this.#journal = journal;
  }

  /** Why the last record failed, where it did. */
  get failure(): string | undefined {
    if (this.#error === undefined) return undefined;
    return this.#error instanceof Error ? this.#error.message : String(this.#error);
  }

  /**
   * Writes an affiliate's state through, as of `now`.
   *
   * @throws What the journal throws.
   */
  recordPut(clusterId: string, state: AffiliateState, now: number): void {
    if (this.#journal?.record === undefined) return;
    const affiliate = toJournalAffiliate(state, now);
    this.#record(() => this.#journal?.record?.({ kind: "put", clusterId, affiliate }));
  }

  /**
   * Writes an affiliate's end through.
   *
   * @throws What the journal throws.
   */
  recordDelete(clusterId: string, affiliateId: string): void {
    this.#record(() => this.#journal?.record?.({ kind: "delete", clusterId, affiliateId }));
  }

  /** Whether each change is written through before it is visible. */
  get isRecording(): boolean {
    return this.#journal?.record !== undefined;
  }

  /** Tells that there is something new to save. */
  changed(): void {
    this.#journal?.changed?.();
  }

  /**
   * Saves everything, after a save that is under way.
   *
   * @param content - Asked when its turn has come.
   * @throws What the journal throws or rejects with.
   */
  save(content: () => Iterable<JournalCluster>): Promise<void> {
    const saved = this.#saving.then(() => this.#journal?.save?.(content()));
    // The next save does not fail for this one.
    this.#saving = saved.catch(() => undefined);
    return saved;
  }

  #record(write: () => void): void {
    try {
      write();
      this.#error = undefined;
    } catch (error) {
      this.#error = error ?? new Error("unknown");
      throw error;
    }
  }
}

/**
 * Everything to save, read while the registry goes on: each cluster once, with the affiliates that
 * have not expired when it is read.
 *
 * @param now - In ms of the registry's clock.
 */
export function* keptClusters(
  clusters: ReadonlyMap<string, Cluster>,
  now: () => number,
): Iterable<JournalCluster> {
  // By ID: a cluster that is removed and created again meanwhile would come twice from the map.
  for (const id of [...clusters.keys()]) {
    const cluster = clusters.get(id);
    if (cluster === undefined) continue;
    const instant = now();
    const affiliates: JournalAffiliate[] = [];
    for (const { state } of cluster.affiliates()) {
      const alive = expire(state, instant);
      if (alive !== null) affiliates.push(toJournalAffiliate(alive, instant));
    }
    if (affiliates.length > 0) yield { id, affiliates };
  }
}
