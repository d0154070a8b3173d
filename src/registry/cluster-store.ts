/**
 * What a registry in memory holds: clusters, their affiliates in the order in which they expire,
 * and how many there are of each. It checks nothing, and has no clock.
 * @module
 */
import { Cluster, type ClusterAffiliate, type ClusterRegistry } from "./cluster.ts";
import { ExpiryQueue } from "./expiry.ts";
import type { FanOut } from "./fan-out.ts";
import type { AffiliateState } from "./packed-affiliate.ts";
import type { RegistryClient } from "./registry.ts";
import type { StateAccounts } from "./state-accounts.ts";
import type { LagMeter } from "./watch-hub.ts";

/** Options of {@link ClusterStore}. */
export interface ClusterStoreOptions {
  /** Removes what has expired by now; called before watchers read. */
  readonly settle: () => void;
  readonly accounts: StateAccounts;
  readonly lagMeter: LagMeter | undefined;
  /** Tells watchers. */
  readonly fanOut: FanOut;
}

/** The clusters of one registry. A cluster stays while it has affiliates or watchers. */
export class ClusterStore implements ClusterRegistry {
  readonly lagMeter: LagMeter | undefined;
  readonly fanOut: FanOut;
  /** Removes what has expired by now, in all clusters. */
  readonly settle: () => void;
  readonly #accounts: StateAccounts;
  readonly #clusters = new Map<string, Cluster>();
  readonly #expiry = new ExpiryQueue<ClusterAffiliate>();
  #endpoints = 0;
  #watchers = 0;

  constructor({ settle, accounts, lagMeter, fanOut }: ClusterStoreOptions) {
    this.#accounts = accounts;
    this.settle = settle;
    this.lagMeter = lagMeter;
    this.fanOut = fanOut;
  }

  /** How many clusters. */
  get clusters(): number {
    return this.#clusters.size;
  }

  /** How many affiliates, without those that were taken out as due. */
  get affiliates(): number {
    return this.#expiry.size;
  }

  /** How many endpoints of all affiliates. */
  get endpoints(): number {
    return this.#endpoints;
  }

  /** How many watchers. */
  get watchers(): number {
    return this.#watchers;
  }

  /** All clusters by ID. */
  all(): ReadonlyMap<string, Cluster> {
    return this.#clusters;
  }

  get(clusterId: string): Cluster | undefined {
    return this.#clusters.get(clusterId);
  }

  /** Adds a cluster, which the caller then gives its first affiliate or watcher. */
  create(clusterId: string, client: RegistryClient | undefined): Cluster {
    const cluster = new Cluster(clusterId, this);
    this.#clusters.set(clusterId, cluster);
    this.#accounts.clusterAdded(cluster, client);
    return cluster;
  }

  add(cluster: Cluster, state: AffiliateState, client: RegistryClient | undefined): void {
    const affiliate = cluster.add(state);
    this.#accounts.affiliateAdded(affiliate, client);
    this.#expiry.update(affiliate, state.dueAt);
    this.#endpoints += state.view.endpointCount;
  }

  /** @param announce - Whether its view has changed. */
  replace(affiliate: ClusterAffiliate, next: AffiliateState, announce: boolean): void {
    this.#endpoints += next.view.endpointCount - affiliate.view.endpointCount;
    const growth = next.buffer.byteLength - affiliate.view.buffer.byteLength;
    this.#accounts.affiliateResized(affiliate, growth);
    affiliate.cluster.replace(affiliate, next, announce);
    this.#expiry.update(affiliate, next.dueAt);
  }

  remove(affiliate: ClusterAffiliate): void {
    this.#endpoints -= affiliate.view.endpointCount;
    this.#accounts.affiliateRemoved(affiliate);
    this.#expiry.remove(affiliate);
    affiliate.cluster.remove(affiliate);
    this.#release(affiliate.cluster);
  }

  /** Takes the next affiliate that is due out of the order; it is then replaced or removed. */
  takeDue(now: number): ClusterAffiliate | undefined {
    return this.#expiry.takeDue(now);
  }

  /** When the next affiliate is due; `Infinity` if there is none. */
  nextDueAt(): number {
    return this.#expiry.nextDueAt();
  }

  /** Called by a cluster for a watcher that has come (1) or left (-1). */
  watched(cluster: Cluster, change: 1 | -1): void {
    this.#watchers += change;
    this.#release(cluster);
  }

  /** Ends all watches. */
  endWatches(): void {
    for (const cluster of [...this.#clusters.values()]) cluster.close();
    this.fanOut.clear();
  }

  /** Removes everything, without telling watchers. */
  clear(): void {
    this.#accounts.cleared();
    this.#clusters.clear();
    this.#expiry.clear();
    this.#endpoints = 0;
  }

  #release(cluster: Cluster): void {
    if (!cluster.isIdle || this.#clusters.get(cluster.id) !== cluster) return;
    this.#clusters.delete(cluster.id);
    this.#accounts.clusterRemoved(cluster);
  }
}
