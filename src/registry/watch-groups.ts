/**
 * Groups of watchers that got the same changes so far. A group has one set of further changes and
 * one message of them, so that a change costs one step for each group, not for each watcher.
 * @module
 */
import { affiliateWireBytes } from "./affiliate-wire.ts";
import type { AffiliateView, WatchMessage } from "./registry.ts";

/** Changes of one watcher's group, and who waits for them. */
export class WatchGroup<Watcher> {
  /** What changed; the value is whether the watchers know the affiliate. */
  readonly changes: Map<string, boolean> = new Map();
  /** Those who can be told at once. */
  readonly waiting: Set<Watcher> = new Set();
  /** Those who have not taken their last message yet. */
  readonly busy: Set<Watcher> = new Set();
  /** When `changes` was empty last, at the latest. */
  since = 0;
  /** Whether the last message was of deletes and updates were left. */
  isDeleteTold = false;
  /** Until the next change. */
  told: Told<Watcher> | undefined;

  get size(): number {
    return this.waiting.size + this.busy.size;
  }
}

/** The next message of a group, and where those go who were told. */
export interface Told<Watcher> {
  readonly message: WatchMessage;
  readonly next: WatchGroup<Watcher>;
}

/**
 * Most groups of one cluster. If there are more when it changes, the two oldest are joined. Their
 * watchers may then get an update or a delete a second time.
 */
const MAX_GROUPS = 16;

/**
 * Size of one message of updates. One affiliate may be over it. A message is encoded once for all
 * watchers that get it, and a slow reader holds one message at most.
 */
const MAX_UPDATED_BYTES = 60_000;

/** Options of {@link WatchGroups}. */
export interface WatchGroupsOptions<Watcher> {
  readonly find: (affiliateId: string) => AffiliateView | undefined;
  /** Called for each watcher whose group has become part of another. */
  readonly onMoved: (watcher: Watcher, to: WatchGroup<Watcher>) => void;
  /** Told how many changes more are kept; negative: that are kept no more. */
  readonly onKept: (changes: number) => void;
}

/** The groups of one cluster, the oldest first. */
export class WatchGroups<Watcher> {
  readonly #groups: WatchGroup<Watcher>[] = [];
  readonly #options: WatchGroupsOptions<Watcher>;

  constructor(options: WatchGroupsOptions<Watcher>) {
    this.#options = options;
  }

  [Symbol.iterator](): IterableIterator<WatchGroup<Watcher>> {
    return this.#groups.values();
  }

  /** The group of those who know everything. */
  current(): WatchGroup<Watcher> {
    return this.#groups.find(({ changes }) => changes.size === 0) ?? new WatchGroup();
  }

  /** Adds a watcher, which is busy. The group may have been let go since it was found. */
  enter(watcher: Watcher, group: WatchGroup<Watcher>): void {
    group.busy.add(watcher);
    if (this.#groups.includes(group)) return;
    this.#groups.push(group);
    this.#options.onKept(group.changes.size);
  }

  /** Removes a watcher from its group, which is let go if nobody is left in it. */
  leave(watcher: Watcher, group: WatchGroup<Watcher>): void {
    group.waiting.delete(watcher);
    group.busy.delete(watcher);
    if (group.waiting.size + group.busy.size > 0) return;
    const at = this.#groups.indexOf(group);
    if (at < 0) return;
    this.#groups.splice(at, 1);
    this.#options.onKept(-group.changes.size);
  }

  /**
   * Notes a change for all.
   *
   * @param before - Whether the affiliate was there before the change.
   * @param after - Whether it is there now.
   */
  mark(affiliateId: string, before: boolean, after: boolean, now: number): void {
    // Not when groups are made: until the next change, who reads makes progress.
    while (this.#groups.length > MAX_GROUPS) this.#joinOldest();
    let kept = 0;
    for (const group of this.#groups) {
      const { changes } = group;
      group.told = undefined;
      if (changes.size === 0) group.since = now;
      const isKnown = changes.get(affiliateId);
      if (isKnown === undefined) {
        changes.set(affiliateId, before);
        kept += 1;
      } else if (!isKnown && !after) {
        // Came and went unseen: nothing to tell.
        changes.delete(affiliateId);
        kept -= 1;
      }
    }
    this.#options.onKept(kept);
  }

  /** The next message of a group that has changes: the same until the next change. */
  tell(group: WatchGroup<Watcher>): Told<Watcher> {
    group.told ??= this.#told(group);
    return group.told;
  }

  #told(group: WatchGroup<Watcher>): Told<Watcher> {
    const updated: AffiliateView[] = [];
    const deleted: string[] = [];
    const later: string[] = [];
    let bytes = 0;
    for (const affiliateId of group.changes.keys()) {
      const view = this.#options.find(affiliateId);
      if (view === undefined) {
        deleted.push(affiliateId);
      } else if (bytes < MAX_UPDATED_BYTES) {
        updated.push(view);
        bytes += affiliateWireBytes(view);
      } else {
        later.push(affiliateId);
      }
    }
    // In turns, so that neither kind can keep the other from a reader who is always behind.
    const isDelete = deleted.length > 0 && (updated.length === 0 || !group.isDeleteTold);
    const left = isDelete ? [...updated.map(({ id }) => id), ...later] : [...later, ...deleted];
    const message: WatchMessage = isDelete
      ? { kind: "deleted", ids: deleted }
      : { kind: "updated", affiliates: updated };
    if (left.length === 0) return { message, next: this.current() };
    const next = new WatchGroup<Watcher>();
    next.since = group.since;
    next.isDeleteTold = isDelete;
    for (const id of left) next.changes.set(id, group.changes.get(id) === true);
    return { message, next };
  }

  #joinOldest(): void {
    const [first, second] = this.#groups as [WatchGroup<Watcher>, WatchGroup<Watcher>];
    const [from, to] = first.size < second.size ? [first, second] : [second, first];
    const before = from.changes.size + to.changes.size;
    for (const [id, isKnown] of from.changes) {
      to.changes.set(id, isKnown || to.changes.get(id) === true);
    }
    to.since = Math.min(first.since, second.since);
    to.isDeleteTold = first.isDeleteTold || second.isDeleteTold;
    to.told = undefined;
    for (const set of ["waiting", "busy"] as const) {
      for (const watcher of from[set]) {
        to[set].add(watcher);
        this.#options.onMoved(watcher, to);
      }
      from[set].clear();
    }
    this.#groups.splice(this.#groups.indexOf(from), 1);
    this.#options.onKept(to.changes.size - before);
  }
}
