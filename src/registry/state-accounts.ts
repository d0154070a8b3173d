/**
 * Whose the state is and how many bytes it takes, and whether more of it may come.
 * @module
 */
import { checkInteger } from "../check.ts";
import { DiscoveryError } from "../errors.ts";
import { CLIENT_BYTES, ClientShares, MAX_SHARE_PERCENT } from "./client-shares.ts";
import type { Cluster, ClusterAffiliate } from "./cluster.ts";
import type { RegistryLimits } from "./limits.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import type { RegistryClient } from "./registry.ts";
import { affiliateStateBytes, clusterStateBytes } from "./state-bytes.ts";

/** How much of a registry one client may hold. */
export interface RegistrySharesOptions {
  /**
   * How many clusters a client may hold, in percent of those that `maxClusters` leaves free; 0 is
   * off. A wider network (`RegistryClient.network`) may hold as many.
   *
   * @default 100
   */
  readonly clustersPercent?: number | undefined;
  /**
   * How many affiliates a client may hold, in percent of those that `maxAffiliates` leaves free,
   * and in bytes, in percent of those that are free below 90 % of the memory; 0 is off.
   *
   * @default 100
   */
  readonly affiliatesPercent?: number | undefined;
}

/** Packed forms up to this size are those of usual nodes, whose changes are let in longer. */
const USUAL_BYTES = 1536;

/** Clusters of clients and networks, affiliates, and their bytes. */
const SHARE_TABLES = 4;

/** Counts what a registry holds: by client, and in bytes. */
export class StateAccounts {
  readonly #memory: MemoryBudget | undefined;
  readonly #clusters: ClientShares;
  readonly #networks: ClientShares;
  readonly #affiliates: ClientShares;
  readonly #affiliateBytes: ClientShares | undefined;
  #stateBytes = 0;

  /** @throws {RangeError} If a share is out of range. */
  constructor(
    limits: RegistryLimits,
    shares: RegistrySharesOptions = {},
    memory: MemoryBudget | undefined,
  ) {
    const { clustersPercent: clusters = 100, affiliatesPercent: affiliates = 100 } = shares;
    checkInteger("shares.clustersPercent", clusters, 0, MAX_SHARE_PERCENT);
    checkInteger("shares.affiliatesPercent", affiliates, 0, MAX_SHARE_PERCENT);
    this.#memory = memory;
    this.#clusters = new ClientShares({ max: limits.maxClusters, sharePercent: clusters, memory });
    this.#networks = new ClientShares({ max: limits.maxClusters, sharePercent: clusters, memory });
    this.#affiliates = new ClientShares({
      max: limits.maxAffiliates,
      sharePercent: affiliates,
      memory,
    });
    this.#affiliateBytes =
      memory &&
      new ClientShares({
        max: memory.maxBytes,
        sharePercent: affiliates,
        memory,
        free: () => memory.freeBytes,
      });
  }

  /**
   * Checks that a cluster may be added.
   *
   * @throws {DiscoveryError} `ERR_MEMORY_LIMIT`, `ERR_CLUSTER_SHARE`
   */
  checkCluster(clusterId: string, client: RegistryClient | undefined): void {
    this.#checkMemory(clusterStateBytes(clusterId) + newClientBytes(client));
    this.#checkClusterShare(client);
  }

  /**
   * Checks that an affiliate may be added.
   *
   * @param newClusterId - If its cluster comes with it.
   * @param bytes - Of its packed form.
   * @throws {DiscoveryError} `ERR_MEMORY_LIMIT`, `ERR_CLUSTER_SHARE`, `ERR_AFFILIATE_SHARE`
   */
  checkAffiliate(
    newClusterId: string | undefined,
    affiliateId: string,
    packedBytes: number,
    client: RegistryClient | undefined,
  ): void {
    const bytes = affiliateStateBytes(affiliateId, packedBytes);
    const clusterBytes = newClusterId === undefined ? 0 : clusterStateBytes(newClusterId);
    this.#checkMemory(bytes + clusterBytes + newClientBytes(client));
    if (newClusterId !== undefined) this.#checkClusterShare(client);
    if (!this.#affiliates.allows(client?.client)) throw affiliateShareError();
    this.#checkAffiliateBytes(client?.client, bytes);
  }

  /**
   * Checks that an affiliate may change its size. What does not grow always may, and what stays of
   * usual size may until all of the memory is taken.
   *
   * @throws {DiscoveryError} `ERR_MEMORY_LIMIT`, `ERR_AFFILIATE_SHARE`
   */
  checkSize(affiliate: ClusterAffiliate, packedBytes: number): void {
    const growth = packedBytes - affiliate.view.buffer.byteLength;
    if (growth <= 0) return;
    // The last part of memory is for nodes that are known.
    if (this.#memory?.isFull(growth) === true) throw memoryError();
    if (packedBytes <= USUAL_BYTES) return;
    // Otherwise a client could take all memory by letting grow what it was granted as small.
    this.#checkMemory(growth);
    this.#checkAffiliateBytes(affiliate.owner, growth);
  }

  /** Called for a cluster that was added, which then belongs to `client`. */
  clusterAdded(cluster: Cluster, client: RegistryClient | undefined): void {
    this.#addBytes(clusterStateBytes(cluster.id));
    this.#ownCluster(cluster, client);
  }

  /** Called for a cluster that was removed. */
  clusterRemoved(cluster: Cluster): void {
    this.#addBytes(-clusterStateBytes(cluster.id));
    this.#disownCluster(cluster);
  }

  /** Called for an affiliate that was added, which then belongs to `client`. */
  affiliateAdded(affiliate: ClusterAffiliate, client: RegistryClient | undefined): void {
    affiliate.owner = this.#affiliates.add(client?.client);
    if (this.#memory === undefined) return;
    const bytes = bytesOf(affiliate);
    this.#addBytes(bytes);
    this.#affiliateBytes?.add(affiliate.owner, bytes);
  }

  /** Called for an affiliate that was removed. */
  affiliateRemoved(affiliate: ClusterAffiliate): void {
    this.#affiliates.remove(affiliate.owner);
    if (this.#memory === undefined) return;
    const bytes = bytesOf(affiliate);
    this.#addBytes(-bytes);
    this.#affiliateBytes?.remove(affiliate.owner, bytes);
  }

  /** Called for an affiliate whose packed form has grown by so many bytes. */
  affiliateResized(affiliate: ClusterAffiliate, growth: number): void {
    if (growth === 0) return;
    this.#addBytes(growth);
    this.#affiliateBytes?.add(affiliate.owner, growth);
  }

  /** Gives an affiliate that belongs to nobody, and its cluster if that does, to `client`. */
  claim(affiliate: ClusterAffiliate, client: RegistryClient | undefined): void {
    if (client === undefined) return;
    const bytes = bytesOf(affiliate);
    this.#affiliates.remove(affiliate.owner);
    this.#affiliateBytes?.remove(affiliate.owner, bytes);
    affiliate.owner = this.#affiliates.add(client.client);
    this.#affiliateBytes?.add(affiliate.owner, bytes);
    const { cluster } = affiliate;
    if (cluster.owner !== undefined) return;
    this.#disownCluster(cluster);
    this.#ownCluster(cluster, client);
  }

  /** Called when everything is let go at once. */
  cleared(): void {
    this.#addBytes(-this.#stateBytes);
    this.#clusters.clear();
    this.#networks.clear();
    this.#affiliates.clear();
    this.#affiliateBytes?.clear();
  }

  #ownCluster(cluster: Cluster, client: RegistryClient | undefined): void {
    cluster.owner = this.#clusters.add(client?.client);
    cluster.ownerNetwork = this.#networks.add(client?.network);
  }

  #disownCluster(cluster: Cluster): void {
    this.#clusters.remove(cluster.owner);
    this.#networks.remove(cluster.ownerNetwork);
  }

  #addBytes(bytes: number): void {
    this.#stateBytes += bytes;
    this.#memory?.add("state", bytes);
  }

  #checkMemory(extraBytes: number): void {
    if (this.#memory?.isTight(extraBytes) !== true) return;
    throw memoryError();
  }

  #checkClusterShare(client: RegistryClient | undefined): void {
    if (this.#clusters.allows(client?.client) && this.#networks.allows(client?.network)) return;
    throw new DiscoveryError("ERR_CLUSTER_SHARE", "too many clusters of one client");
  }

  #checkAffiliateBytes(client: string | undefined, bytes: number): void {
    if (this.#affiliateBytes?.allows(client, bytes) === false) throw affiliateShareError();
  }
}

function bytesOf(affiliate: ClusterAffiliate): number {
  return affiliateStateBytes(affiliate.id, affiliate.view.buffer.byteLength);
}

/** What a client takes at most in the tables of shares, if it is new. */
function newClientBytes(client: RegistryClient | undefined): number {
  return client === undefined ? 0 : SHARE_TABLES * CLIENT_BYTES;
}

function memoryError(): DiscoveryError {
  return new DiscoveryError("ERR_MEMORY_LIMIT", "the service is short of memory");
}

function affiliateShareError(): DiscoveryError {
  return new DiscoveryError("ERR_AFFILIATE_SHARE", "too many affiliates of one client");
}
