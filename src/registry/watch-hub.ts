/**
 * Who watches a cluster, and what each has yet to hear.
 *
 * A watcher has no queue of messages. It has the IDs of the affiliates that changed since its last
 * message, and shares them with the other watchers of its group. The message is made when the
 * watcher is ready: a slow watcher gets the latest state, and no update follows a later delete.
 * Memory is bounded by the size of the cluster, however many watch it.
 * @module
 */
import type { FanOut, Teller } from "./fan-out.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import type { AffiliateView, WatchMessage } from "./registry.ts";
import { type WatchGroup, WatchGroups } from "./watch-groups.ts";

/** Measures how long changes wait for their watchers, and what they take meanwhile. */
export interface LagMeter {
  readonly now: () => number;
  readonly onWatchLag?: ((lagMs: number) => void) | undefined;
  /** Told of the changes that wait, as `watches`. */
  readonly memory?: MemoryBudget | undefined;
}

/** What a change that waits takes: a place in a map. */
const WAITING_CHANGE_BYTES = 32;

/**
 * How long changes may wait for a watcher once memory is full. Its watch then ends in good order,
 * and its client begins a new one with a list.
 */
const MAX_WAIT_MS = 60_000;

/** The cluster behind a hub. */
export interface WatchSource {
  /** Takes away what has expired by now, and marks it. */
  settle(): void;
  /** All affiliates, in the order of first registration. */
  snapshot(): readonly AffiliateView[];
  find(affiliateId: string): AffiliateView | undefined;
  /** Told of a watcher that has come (1) or left (-1). */
  watched(change: 1 | -1): void;
  readonly lagMeter: LagMeter | undefined;
  readonly fanOut: FanOut;
}

/** The watchers of one cluster. */
export class WatchHub implements Teller {
  readonly source: WatchSource;
  readonly #watchers = new Set<Watcher>();
  readonly #groups: WatchGroups<Watcher>;

  constructor(source: WatchSource) {
    this.source = source;
    this.#groups = new WatchGroups({
      find: (affiliateId) => source.find(affiliateId),
      onMoved: (watcher, to) => watcher.moveTo(to),
      onKept: (changes) => source.lagMeter?.memory?.add("watches", changes * WAITING_CHANGE_BYTES),
    });
  }

  get size(): number {
    return this.#watchers.size;
  }

  /**
   * Notes a change for all watchers. Those that wait are told at the end of the turn, so that
   * changes of one turn come as one message.
   *
   * @param before - Whether the affiliate was there before the change.
   * @param after - Whether it is there now.
   */
  mark(affiliateId: string, before: boolean, after: boolean): void {
    const { lagMeter, fanOut } = this.source;
    const now = lagMeter?.now() ?? 0;
    this.#groups.mark(affiliateId, before, after, now);
    if (lagMeter?.memory?.isFull() === true) this.#endLate(now);
    fanOut.request(this);
  }

  add(watcher: Watcher): WatchGroup<Watcher> {
    this.#watchers.add(watcher);
    const group = this.#groups.current();
    this.#groups.enter(watcher, group);
    this.source.watched(1);
    return group;
  }

  remove(watcher: Watcher, group: WatchGroup<Watcher>): void {
    if (!this.#watchers.delete(watcher)) return;
    this.#groups.leave(watcher, group);
    this.source.watched(-1);
  }

  /** The next message of a watcher, whose group has changes and may become another one. */
  take(watcher: Watcher, group: WatchGroup<Watcher>): WatchMessage {
    const { lagMeter, fanOut } = this.source;
    fanOut.takeTurn();
    lagMeter?.onWatchLag?.(lagMeter.now() - group.since);
    const { message, next } = this.#groups.tell(group);
    this.#groups.leave(watcher, group);
    watcher.moveTo(next);
    this.#groups.enter(watcher, next);
    return message;
  }

  tellSome(most: number): boolean {
    if (this.#watchers.size > 0) this.source.settle();
    let left = most;
    for (const group of [...this.#groups]) {
      if (group.changes.size === 0) continue;
      for (const watcher of group.waiting) {
        if (left === 0) return true;
        left -= 1;
        watcher.tell();
      }
    }
    return false;
  }

  /** Ends all watches. */
  close(): void {
    for (const watcher of [...this.#watchers]) watcher.end();
  }

  #endLate(now: number): void {
    for (const group of [...this.#groups]) {
      if (group.changes.size === 0 || now - group.since <= MAX_WAIT_MS) continue;
      for (const watcher of [...group.busy, ...group.waiting]) watcher.end();
    }
  }
}

/**
 * One watch: an iterator that is slow or fast as its reader is. Registers itself on the first
 * `next()`.
 */
export class Watcher implements AsyncIterator<WatchMessage, undefined> {
  /** Replaced after its call, so that nothing of the caller is kept. */
  #open: () => WatchHub;
  readonly #signal: AbortSignal | undefined;
  readonly #end: () => void = () => this.end();
  #hub: WatchHub | undefined;
  #group: WatchGroup<Watcher> | undefined;
  #isEnded = false;
  #waiting: ((step: IteratorResult<WatchMessage, undefined>) => void) | undefined;

  /** @param open - Finds or makes the hub; what it throws, the first `next()` rejects with. */
  constructor(open: () => WatchHub, signal: AbortSignal | undefined) {
    this.#open = open;
    this.#signal = signal;
  }

  /** One at a time: a second one while the first waits is a mistake. */
  next(): Promise<IteratorResult<WatchMessage, undefined>> {
    try {
      const step = this.#step();
      if (step !== undefined) return Promise.resolve(step);
    } catch (error) {
      return Promise.reject(error);
    }
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  async return(): Promise<IteratorResult<WatchMessage, undefined>> {
    this.end();
    return { done: true, value: undefined };
  }

  /** Notes the group that it is in now. */
  moveTo(group: WatchGroup<Watcher>): void {
    this.#group = group;
  }

  /** Gives it what its group has to tell; it waits, and there is something. */
  tell(): void {
    const resolve = this.#waiting;
    if (resolve === undefined || this.#group === undefined) return;
    this.#waiting = undefined;
    resolve({ done: false, value: (this.#hub as WatchHub).take(this, this.#group) });
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#signal?.removeEventListener("abort", this.#end);
    if (this.#group !== undefined) this.#hub?.remove(this, this.#group);
    this.#group = undefined;
    this.#waiting?.({ done: true, value: undefined });
    this.#waiting = undefined;
  }

  /** @returns `undefined` where there is nothing to tell yet. */
  #step(): IteratorResult<WatchMessage, undefined> | undefined {
    if (this.#waiting !== undefined) throw new TypeError("next: one is pending");
    if (this.#isEnded || this.#signal?.aborted) {
      this.end();
      return { done: true, value: undefined };
    }
    const hub = this.#hub;
    if (hub === undefined) return { done: false, value: this.#start() };
    hub.source.settle();
    const group = this.#group as WatchGroup<Watcher>;
    const { fanOut } = hub.source;
    const hasChanges = group.changes.size > 0;
    if (hasChanges && fanOut.hasTurn) return { done: false, value: hub.take(this, group) };
    group.busy.delete(this);
    group.waiting.add(this);
    if (hasChanges) fanOut.request(hub);
    return undefined;
  }

  /**
   * Registration and snapshot in one step without a wait, so that nothing is missed between them.
   */
  #start(): WatchMessage {
    let hub: WatchHub;
    try {
      hub = this.#open();
    } catch (error) {
      this.#isEnded = true;
      throw error;
    }
    this.#hub = hub;
    this.#open = () => hub;
    this.#group = hub.add(this);
    this.#signal?.addEventListener("abort", this.#end, { once: true });
    return { kind: "snapshot", affiliates: hub.source.snapshot() };
  }
}
