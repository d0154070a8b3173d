/**
 * The registry that keeps everything in this process.
 * @module
 */

import { type ScheduleWake, scheduleTimeout, scheduleWork } from "../async/timers.ts";
import { checkNumber } from "../check.ts";
import { DiscoveryError } from "../errors.ts";
import { merge, mergeInPlace } from "./affiliate-state.ts";
import type { Cluster, ClusterAffiliate } from "./cluster.ts";
import { ClusterStore } from "./cluster-store.ts";
import { FanOut } from "./fan-out.ts";
import { fromJournalAffiliate, type Journal, type JournalCluster } from "./journal.ts";
import { JournalKeeper, keptClusters } from "./journal-keeper.ts";
import {
  checkAffiliateId,
  checkClusterId,
  checkRoomForAffiliate,
  checkRoomForCluster,
  checkRoomInTotal,
  type RegistryLimits,
  resolveRegistryLimits,
} from "./limits.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import type {
  AffiliateView,
  Registry,
  RegistryCallOptions,
  RegistryClient,
  RegistryHealth,
  RegistryObservers,
  RegistryTotals,
  UpdateRequest,
  WatchMessage,
} from "./registry.ts";
import { type RegistrySharesOptions, StateAccounts } from "./state-accounts.ts";
import { WakeTimer } from "./wake-timer.ts";
import { Watcher, type WatchHub } from "./watch-hub.ts";

const NO_AFFILIATES: readonly AffiliateView[] = /* @__PURE__ */ Object.freeze([]);

/** Options of `MemoryRegistry`. */
export interface MemoryRegistryOptions extends RegistryObservers {
  /** @default the protocol's, and 100,000 clusters */
  readonly limits?: Partial<RegistryLimits> | undefined;
  /**
   * Counts what the state takes, as `state`. When it is tight, new clusters and affiliates are
   * refused, and updates that make an affiliate larger; all others pass.
   *
   * @default no ceiling
   */
  readonly memory?: MemoryBudget | undefined;
  /** How much of it one client may hold, if calls say who calls. @default as much as is free */
  readonly shares?: RegistrySharesOptions | undefined;
  /**
   * The clock, in ms from any origin. The default is monotonic (`performance.now`): setting the
   * machine's clock neither ends nor prolongs a life. Where the journal's `wakeAt` needs instants
   * of the calendar, pass `Date.now`.
   */
  readonly now?: (() => number) | undefined;
  /**
   * Calls back once after a delay. The default is `setTimeout`, which does not keep a Node process
   * alive.
   */
  readonly schedule?: ScheduleWake | undefined;
  /** Written from the start; loaded by `MemoryRegistry.open` only. */
  readonly journal?: Journal | undefined;
  /**
   * How long all that `open` has loaded lives at least, endpoints too: so that nobody is announced
   * as gone before its node had the time to find this service again and to publish. At most the
   * longest TTL counts.
   *
   * @default 0: what the journal says
   */
  readonly restartGraceMs?: number | undefined;
}

/**
 * A registry in memory. `update`, `delete`, `list` and `totals` answer at once: what they refuse,
 * they throw.
 *
 * Every call takes away first what has expired, so that nothing expired is ever listed or sent;
 * what no call takes away, a timer does within 100 ms. An update with a TTL of 0 is over at once: a
 * new affiliate does not come to be, and one that is given new data goes.
 *
 * A cluster exists, and counts against `maxClusters`, while it has affiliates or watchers. Nothing
 * here bounds the watchers of one cluster: each is a connection's stream, whose number the server
 * bounds.
 *
 * A cluster or an affiliate belongs to the client that created it (`RegistryCallOptions.client`),
 * and counts for it until it is removed. What was restored from a journal belongs to the client
 * that first refreshes it with data. A refresh of a known affiliate is never refused for shares; if
 * it makes the affiliate larger, the bytes that are new count as new ones.
 *
 * @example
 * const registry = new MemoryRegistry();
 * registry.update({ clusterId: "c", affiliateId: "a", endpoints: [], ttlMs: 60_000 });
 * console.log(registry.list("c").length); // 1
 * await registry.close();
 */
export class MemoryRegistry implements Registry {
  readonly limits: RegistryLimits;
  readonly #now: () => number;
  readonly #journal: JournalKeeper;
  readonly #wake: WakeTimer;
  readonly #store: ClusterStore;
  readonly #accounts: StateAccounts;
  readonly #onSweep: RegistryObservers["onSweep"];
  #closing: Promise<void> | undefined;

  constructor(options: MemoryRegistryOptions = {}) {
    const { limits, now = () => performance.now(), schedule = scheduleTimeout, journal } = options;
    const { memory, shares } = options;
    const { onSweep, onWatchLag } = options;
    this.limits = resolveRegistryLimits(limits);
    this.#onSweep = onSweep;
    const isMeasured = onWatchLag !== undefined || memory !== undefined;
    const lagMeter = isMeasured ? { now, onWatchLag, memory } : undefined;
    this.#accounts = new StateAccounts(this.limits, shares, memory);
    this.#store = new ClusterStore({
      settle: () => void this.#settle(),
      accounts: this.#accounts,
      lagMeter,
      fanOut: new FanOut(scheduleWork),
    });
    this.#now = now;
    this.#journal = new JournalKeeper(journal);
    this.#wake = new WakeTimer({
      now,
      schedule,
      onWake: () => this.sweep(),
      wakeAt: journal?.wakeAt?.bind(journal),
    });
  }

  /**
   * A registry with what its journal has kept.
   *
   * @throws What `journal.load` throws.
   * @throws {RangeError} If `restartGraceMs` is negative or not a number.
   */
  static async open(options: MemoryRegistryOptions = {}): Promise<MemoryRegistry> {
    const registry = new MemoryRegistry(options);
    const { journal, restartGraceMs = 0 } = options;
    checkNumber("restartGraceMs", restartGraceMs, 0, Number.POSITIVE_INFINITY);
    if (journal === undefined) return registry;
    for await (const cluster of journal.load()) registry.#load(cluster, journal, restartGraceMs);
    registry.sweep();
    return registry;
  }

  update(request: UpdateRequest, options: RegistryCallOptions = {}): void {
    this.#checkOpen();
    const now = this.#settle();
    const cluster = this.#store.get(request.clusterId);
    const affiliate = cluster?.get(request.affiliateId);
    // A journal that records may refuse the change, which must then have changed nothing.
    const mergeUpdate = this.#journal.isRecording ? merge : mergeInPlace;
    const state = affiliate?.state ?? null;
    const { next, write, announce } = mergeUpdate(state, request, now, this.limits);
    let client: RegistryClient | undefined;
    if (affiliate === undefined) {
      this.#checkRoom(cluster);
      if (next === null) return;
      client = options.client?.();
      const newClusterId = cluster === undefined ? request.clusterId : undefined;
      this.#accounts.checkAffiliate(
        newClusterId,
        request.affiliateId,
        next.buffer.byteLength,
        client,
      );
    } else if (next !== null) {
      this.#accounts.checkSize(affiliate, next.buffer.byteLength);
    }
    if (!write) return;
    if (next === null) {
      if (affiliate !== undefined) this.#delete(affiliate);
      return;
    }
    this.#journal.recordPut(request.clusterId, next, now);
    if (affiliate === undefined) {
      const { clusterId } = request;
      this.#store.add(cluster ?? this.#store.create(clusterId, client), next, client);
    } else {
      this.#store.replace(affiliate, next, announce);
      const hasData = request.data !== undefined && request.data.length > 0;
      if (affiliate.owner === undefined && hasData) {
        this.#accounts.claim(affiliate, options.client?.());
      }
    }
    this.#wake.atLatest(next.dueAt);
    if (announce) this.#journal.changed();
  }

  delete(clusterId: string, affiliateId: string): void {
    this.#checkOpen();
    checkClusterId(clusterId, this.limits);
    checkAffiliateId(affiliateId, this.limits);
    this.#settle();
    const affiliate = this.#store.get(clusterId)?.get(affiliateId);
    if (affiliate !== undefined) this.#delete(affiliate);
  }

  /**
   * @returns The same array as long as the cluster does not change. Its items are
   * `WiredAffiliateView`s.
   */
  list(clusterId: string): readonly AffiliateView[] {
    this.#checkOpen();
    checkClusterId(clusterId, this.limits);
    this.#settle();
    return this.#store.get(clusterId)?.snapshot() ?? NO_AFFILIATES;
  }

  /**
   * The watch begins with the first `next()` of an iterator, which rejects where the watch is
   * refused; until then it holds nothing. All changes of one turn come as one message (deletes and
   * updates apart, updates over 60 kB in several), which is the same object for all watchers that
   * last heard at the same point. Of thousands of watchers some are told before others.
   */
  watch(
    clusterId: string,
    options: RegistryCallOptions = {},
  ): AsyncIterable<WatchMessage, undefined> {
    const { signal } = options;
    const open = (): WatchHub => this.#openHub(clusterId, options);
    return { [Symbol.asyncIterator]: () => new Watcher(open, signal) };
  }

  /**
   * Takes away and announces what has expired. The registry does so by itself; this is for a clock
   * of one's own.
   */
  sweep(): void {
    if (this.#closing !== undefined) return;
    this.#settle();
    this.#wake.set(this.#store.nextDueAt());
  }

  health(): RegistryHealth {
    if (this.#closing !== undefined) return { ok: false, reason: "closed" };
    const { failure } = this.#journal;
    return failure === undefined ? { ok: true } : { ok: false, reason: `journal: ${failure}` };
  }

  /** All 0 once closed. */
  totals(): RegistryTotals {
    if (this.#closing === undefined) this.#settle();
    const { clusters, affiliates, endpoints, watchers } = this.#store;
    return { clusters, affiliates, endpoints, watchers };
  }

  /**
   * Has the journal keep everything, after a save that is under way.
   *
   * @throws {DiscoveryError} `ERR_REGISTRY_CLOSED`, or what `journal.save` throws or rejects with.
   */
  async save(): Promise<void> {
    this.#checkOpen();
    await this.#journal.save(() => keptClusters(this.#store.all(), this.#now));
  }

  /**
   * Ends all watches, saves, and lets everything go.
   *
   * @throws What `journal.save` throws or rejects with.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#settle();
    this.#wake.clear();
    this.#store.endWatches();
    try {
      await this.#journal.save(() => keptClusters(this.#store.all(), this.#now));
    } finally {
      this.#store.clear();
    }
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) {
      throw new DiscoveryError("ERR_REGISTRY_CLOSED", "the registry is closed");
    }
  }

  /**
   * Checks for a new affiliate. Not asked for one that is there: a cluster may be over a limit that
   * was lowered.
   */
  #checkRoom(cluster: Cluster | undefined): void {
    if (cluster === undefined) checkRoomForCluster(this.#store.clusters, this.limits);
    checkRoomForAffiliate(cluster?.size ?? 0, this.limits);
    checkRoomInTotal(this.#store.affiliates, this.limits);
  }

  #openHub(clusterId: string, options: RegistryCallOptions): WatchHub {
    this.#checkOpen();
    checkClusterId(clusterId, this.limits);
    this.#settle();
    let cluster = this.#store.get(clusterId);
    if (cluster === undefined) {
      checkRoomForCluster(this.#store.clusters, this.limits);
      const client = options.client?.();
      this.#accounts.checkCluster(clusterId, client);
      cluster = this.#store.create(clusterId, client);
    }
    return cluster.hub;
  }

  /** Takes away what has expired by now, which is returned. */
  #settle(): number {
    const now = this.#now();
    const first = this.#store.takeDue(now);
    if (first !== undefined) this.#expire(first, now);
    return now;
  }

  #expire(first: ClusterAffiliate, now: number): void {
    const { clusters, endpoints } = this.#store;
    // The first has been taken out already.
    const affiliates = this.#store.affiliates + 1;
    let due: ClusterAffiliate | undefined = first;
    for (; due !== undefined; due = this.#store.takeDue(now)) {
      const next = due.expire(now);
      try {
        if (next === null) this.#journal.recordDelete(due.cluster.id, due.id);
        else this.#journal.recordPut(due.cluster.id, next, now);
      } catch {
        // Seen in health(). Time passes whether or not it can be written down.
      }
      if (next === null) this.#remove(due);
      else this.#store.replace(due, next, true);
      this.#journal.changed();
    }
    this.#onSweep?.({
      clusters: clusters - this.#store.clusters,
      affiliates: affiliates - this.#store.affiliates,
      endpoints: endpoints - this.#store.endpoints,
    });
  }

  #delete(affiliate: ClusterAffiliate): void {
    this.#journal.recordDelete(affiliate.cluster.id, affiliate.id);
    this.#remove(affiliate);
    this.#journal.changed();
  }

  #remove(affiliate: ClusterAffiliate): void {
    this.#store.remove(affiliate);
    if (this.#store.affiliates === 0) this.#wake.clear();
  }

  #load({ id, affiliates }: JournalCluster, journal: Journal, restartGraceMs: number): void {
    const now = this.#settle();
    for (const kept of affiliates) {
      try {
        const state = fromJournalAffiliate(id, kept, now, this.limits, restartGraceMs);
        if (state === null) continue;
        const cluster = this.#store.get(id);
        const known = cluster?.get(kept.id);
        const bytes = state.buffer.byteLength;
        if (known !== undefined) {
          this.#accounts.checkSize(known, bytes);
          this.#store.replace(known, state, true);
          continue;
        }
        this.#checkRoom(cluster);
        this.#accounts.checkAffiliate(cluster ? undefined : id, kept.id, bytes, undefined);
        this.#store.add(cluster ?? this.#store.create(id, undefined), state, undefined);
      } catch (error) {
        journal.refused?.(id, kept, error);
      }
    }
  }
}
