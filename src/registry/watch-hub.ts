/**
 * Who watches a cluster, and what each has yet to hear.
 *
 * A watcher holds the IDs of the affiliates that changed since it last heard of them, not a queue
 * of messages. What is said of them is decided when the watcher is ready: so a slow one gets the
 * latest state, an update never follows a later delete, and memory is bounded by the size of the
 * cluster.
 * @module
 */
import type { MemoryBudget } from "./memory-budget.ts";
import type { AffiliateView, WatchMessage } from "./registry.ts";

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
}

/** The watchers of one cluster. */
export class WatchHub {
  readonly source: WatchSource;
  readonly #watchers = new Set<Watcher>();
  #isFlushQueued = false;

  constructor(source: WatchSource) {
    this.source = source;
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
    const now = this.source.lagMeter?.now() ?? 0;
    let waiting = 0;
    for (const watcher of this.#watchers) waiting += watcher.mark(affiliateId, before, after, now);
    this.waits(waiting);
    if (this.source.lagMeter?.memory?.isFull() === true) this.#endLate(now);
    if (this.#isFlushQueued) return;
    this.#isFlushQueued = true;
    queueMicrotask(() => this.#flush());
  }

  /** Counts changes that begin to wait for a watcher; negative: that wait no more. */
  waits(changes: number): void {
    if (changes !== 0) this.source.lagMeter?.memory?.add("watches", changes * WAITING_CHANGE_BYTES);
  }

  #endLate(now: number): void {
    for (const watcher of [...this.#watchers]) {
      if (watcher.waitedMs(now) > MAX_WAIT_MS) watcher.end();
    }
  }

  add(watcher: Watcher): void {
    this.#watchers.add(watcher);
    this.source.watched(1);
  }

  remove(watcher: Watcher): void {
    if (this.#watchers.delete(watcher)) this.source.watched(-1);
  }

  /** Ends all watches. */
  close(): void {
    for (const watcher of [...this.#watchers]) watcher.end();
  }

  #flush(): void {
    if (this.#watchers.size > 0) this.source.settle();
    this.#isFlushQueued = false;
    const shared = new SharedMessages();
    for (const watcher of this.#watchers) watcher.flush(shared);
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
  /**
   * What changed since it was last told of; the value is whether the reader knows the affiliate.
   */
  readonly #dirty = new Map<string, boolean>();
  /** When `#dirty` was empty last, at the latest. */
  #dirtySince = 0;
  #hub: WatchHub | undefined;
  #isEnded = false;
  #isDeleteTold = false;
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

  /** @returns How many changes more wait; -1 if one has lost its reason. */
  mark(affiliateId: string, before: boolean, after: boolean, now: number): number {
    if (this.#dirty.size === 0) this.#dirtySince = now;
    const isKnown = this.#dirty.get(affiliateId);
    if (isKnown === undefined) {
      this.#dirty.set(affiliateId, before);
      return 1;
    }
    // Came and went unseen: nothing to tell.
    if (isKnown || after) return 0;
    this.#dirty.delete(affiliateId);
    return -1;
  }

  /** How long the oldest change has waited; 0 if there is none. */
  waitedMs(now: number): number {
    return this.#dirty.size === 0 ? 0 : now - this.#dirtySince;
  }

  flush(shared: SharedMessages): void {
    const resolve = this.#waiting;
    if (resolve === undefined) return;
    const message = this.#take(shared);
    if (message === undefined) return;
    this.#waiting = undefined;
    resolve({ done: false, value: message });
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#signal?.removeEventListener("abort", this.#end);
    this.#hub?.remove(this);
    this.#hub?.waits(-this.#dirty.size);
    this.#dirty.clear();
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
    if (this.#hub === undefined) return { done: false, value: this.#start() };
    this.#hub.source.settle();
    if (this.#dirty.size === 0) return undefined;
    const message = this.#take(new SharedMessages());
    return message && { done: false, value: message };
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
    hub.add(this);
    this.#signal?.addEventListener("abort", this.#end, { once: true });
    return { kind: "snapshot", affiliates: hub.source.snapshot() };
  }

  #take(shared: SharedMessages): WatchMessage | undefined {
    const updated: AffiliateView[] = [];
    const deleted: string[] = [];
    for (const affiliateId of this.#dirty.keys()) {
      const view = this.#hub?.source.find(affiliateId);
      if (view === undefined) deleted.push(affiliateId);
      else updated.push(view);
    }
    if (updated.length === 0 && deleted.length === 0) return undefined;
    const lagMeter = this.#hub?.source.lagMeter;
    lagMeter?.onWatchLag?.(lagMeter.now() - this.#dirtySince);
    // In turns, so that neither kind can keep the other from a reader who is always behind.
    this.#isDeleteTold = deleted.length > 0 && (updated.length === 0 || !this.#isDeleteTold);
    if (this.#isDeleteTold) {
      this.#hub?.waits(-deleted.length);
      for (const affiliateId of deleted) this.#dirty.delete(affiliateId);
      return shared.deleted(deleted);
    }
    this.#hub?.waits(-updated.length);
    for (const view of updated) this.#dirty.delete(view.id);
    return shared.updated(updated);
  }
}

/**
 * Gives watchers that are told the same in one turn the same message, so that it need be framed
 * only once.
 */
class SharedMessages {
  #updated: Extract<WatchMessage, { kind: "updated" }> | undefined;
  #deleted: Extract<WatchMessage, { kind: "deleted" }> | undefined;

  updated(affiliates: readonly AffiliateView[]): WatchMessage {
    if (!isSame(this.#updated?.affiliates, affiliates)) {
      this.#updated = { kind: "updated", affiliates };
    }
    return this.#updated as WatchMessage;
  }

  deleted(ids: readonly string[]): WatchMessage {
    if (!isSame(this.#deleted?.ids, ids)) this.#deleted = { kind: "deleted", ids };
    return this.#deleted as WatchMessage;
  }
}

function isSame<T>(a: readonly T[] | undefined, b: readonly T[]): boolean {
  return a?.length === b.length && b.every((item, i) => a[i] === item);
}
