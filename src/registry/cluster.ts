/**
 * The affiliates of one cluster, in the order of first registration, and who watches them.
 * @module
 */
import { expire } from "./affiliate-state.ts";
import type { Expiring } from "./expiry.ts";
import type { FanOut } from "./fan-out.ts";
import {
  AffiliateState,
  dueAtOf,
  hasExpired,
  type PackedView,
  type WiredAffiliateView,
} from "./packed-affiliate.ts";
import { type LagMeter, WatchHub, type WatchSource } from "./watch-hub.ts";

/** The registry that a cluster belongs to. */
export interface ClusterRegistry {
  /** Takes away what has expired by now, in all clusters. */
  settle(): void;
  /** Told of a watcher that has come (1) or left (-1), after which the cluster may be idle. */
  watched(cluster: Cluster, change: 1 | -1): void;
  readonly lagMeter: LagMeter | undefined;
  readonly fanOut: FanOut;
}

/** One affiliate's current state, and its place among those that will expire. */
export class ClusterAffiliate implements Expiring {
  readonly cluster: Cluster;
  /** Holds all there is of it: one object, since there are many. */
  view: PackedView;
  /** The client that it counts for; `undefined` if unknown. */
  owner: string | undefined;
  queuedAt = 0;
  queuePlace = -1;

  constructor(cluster: Cluster, state: AffiliateState) {
    this.cluster = cluster;
    this.view = state.view;
  }

  get id(): string {
    return this.view.id;
  }

  /** Made when asked for. */
  get state(): AffiliateState {
    return new AffiliateState(this.view, this.view.buffer);
  }

  get dueAt(): number {
    return dueAtOf(this.view);
  }

  isDue(now: number): boolean {
    return hasExpired(this.view, now) || this.dueAt <= now;
  }

  /** The state without what has expired by now; `null` if that is all of it. */
  expire(now: number): AffiliateState | null {
    return hasExpired(this.view, now) ? null : expire(this.state, now);
  }
}

/** One cluster: it exists while it has affiliates or watchers. */
export class Cluster implements WatchSource {
  readonly id: string;
  /** The client that it counts for, and that client's network; `undefined` if unknown. */
  owner: string | undefined;
  ownerNetwork: string | undefined;
  readonly #registry: ClusterRegistry;
  readonly #affiliates = new Map<string, ClusterAffiliate>();
  #hub: WatchHub | undefined;
  #snapshot: readonly WiredAffiliateView[] | undefined;

  constructor(id: string, registry: ClusterRegistry) {
    this.id = id;
    this.#registry = registry;
  }

  /** How many affiliates. */
  get size(): number {
    return this.#affiliates.size;
  }

  get isIdle(): boolean {
    return this.#affiliates.size === 0 && this.#hub === undefined;
  }

  /** Made for the first watcher, let go after the last. */
  get hub(): WatchHub {
    this.#hub ??= new WatchHub(this);
    return this.#hub;
  }

  get(affiliateId: string): ClusterAffiliate | undefined {
    return this.#affiliates.get(affiliateId);
  }

  affiliates(): IterableIterator<ClusterAffiliate> {
    return this.#affiliates.values();
  }

  add(state: AffiliateState): ClusterAffiliate {
    const affiliate = new ClusterAffiliate(this, state);
    this.#affiliates.set(affiliate.id, affiliate);
    this.#changed(affiliate.id, false, true);
    return affiliate;
  }

  /** @param announce - Whether its view has changed. */
  replace(affiliate: ClusterAffiliate, next: AffiliateState, announce: boolean): void {
    // A view that stays must not hold the former buffer.
    if (affiliate.view === next.view) next.view.moveTo(next.buffer);
    else affiliate.view = next.view;
    if (announce) this.#changed(affiliate.id, true, true);
  }

  remove(affiliate: ClusterAffiliate): void {
    this.#affiliates.delete(affiliate.id);
    this.#changed(affiliate.id, true, false);
  }

  /** The same array until the next change. */
  snapshot(): readonly WiredAffiliateView[] {
    this.#snapshot ??= Array.from(this.#affiliates.values(), ({ view }) => view);
    return this.#snapshot;
  }

  find(affiliateId: string): WiredAffiliateView | undefined {
    return this.#affiliates.get(affiliateId)?.view;
  }

  get lagMeter(): LagMeter | undefined {
    return this.#registry.lagMeter;
  }

  get fanOut(): FanOut {
    return this.#registry.fanOut;
  }

  settle(): void {
    this.#registry.settle();
  }

  watched(change: 1 | -1): void {
    if (this.#hub?.size === 0) this.#hub = undefined;
    this.#registry.watched(this, change);
  }

  /** Ends all watches. */
  close(): void {
    this.#hub?.close();
  }

  #changed(affiliateId: string, before: boolean, after: boolean): void {
    this.#snapshot = undefined;
    this.#hub?.mark(affiliateId, before, after);
  }
}
