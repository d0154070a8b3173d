/**
 * What a discovery service's handlers need of the state behind them.
 * @module
 */

export type Awaitable<T> = T | Promise<T>;

/**
 * One affiliate as a registry holds it: sealed. Immutable; arrays and bytes belong to the registry.
 */
export interface AffiliateView {
  readonly id: string;
  /** Sealed affiliate, at most 2048 bytes. Empty until its node has published. */
  readonly data: Uint8Array;
  /**
   * Sealed endpoints, at most 64 of at most 32 bytes, in the order in which they were first
   * reported.
   */
  readonly endpoints: readonly Uint8Array[];
}

/** Creates an affiliate, or refreshes or extends one. */
export interface UpdateRequest {
  /** 1 to 256 bytes of UTF-8. */
  readonly clusterId: string;
  /** 1 to 256 bytes of UTF-8. */
  readonly affiliateId: string;
  /** Absent or empty leaves the data alone. Copied by the registry where it is kept. */
  readonly data?: Uint8Array | undefined;
  /** Merged into the set. Copied by the registry where they are kept. */
  readonly endpoints: readonly Uint8Array[];
  /** 0 to 1,800,000 ms. */
  readonly ttlMs: number;
}

/** What a watcher is told, in order: one snapshot, then changes. */
export type WatchMessage =
  | { readonly kind: "snapshot"; readonly affiliates: readonly AffiliateView[] }
  | { readonly kind: "updated"; readonly affiliates: readonly AffiliateView[] }
  | { readonly kind: "deleted"; readonly ids: readonly string[] };

export interface RegistryCallOptions {
  /** Ends a wait of a registry over a remote engine. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Who calls: asked only when something new comes to be, or has no owner yet, so that a client may
   * hold a share only. An unknown client has no share.
   */
  readonly client?: (() => RegistryClient | undefined) | undefined;
}

/** Who holds a cluster or an affiliate, as far as shares need to know. */
export interface RegistryClient {
  /** Any text that tells clients apart, such as an address or the /64 of one. */
  readonly client: string;
  /** Wider network of an IPv6 client, such as its /48, for which new clusters count as well. */
  readonly network?: string | undefined;
}

export interface RegistryHealth {
  readonly ok: boolean;
  /** Why not. */
  readonly reason?: string;
  /** What an operator should look at although `ok` is true, such as a save that failed. */
  readonly warning?: string;
}

export interface RegistryTotals {
  readonly clusters: number;
  readonly affiliates: number;
  readonly endpoints: number;
  readonly watchers: number;
}

/**
 * The state of a discovery service.
 *
 * Limits are checked here, so that every way in has the same: a refused request rejects with a
 * `DiscoveryError` whose code is one of `ERR_CLUSTER_ID_EMPTY` to `ERR_REGISTRY_CLOSED`, and has
 * changed nothing.
 *
 * @see docs/protocol.md, "What the server does"
 */
export interface Registry {
  /** All or nothing; visible to `list` and `watch` when it resolves. */
  update(request: UpdateRequest, options?: RegistryCallOptions): Awaitable<void>;
  /** Deleting what is not there succeeds. */
  delete(clusterId: string, affiliateId: string, options?: RegistryCallOptions): Awaitable<void>;
  /**
   * A snapshot in the order of first registration; empty for an unknown cluster, which takes no
   * memory.
   */
  list(clusterId: string, options?: RegistryCallOptions): Awaitable<readonly AffiliateView[]>;
  /**
   * The snapshot, always and first, then the changes. Nothing is missed in between; for a slow
   * reader changes fold into the latest state of each affiliate, and an update never follows a
   * later delete. Ends without an error when `signal` aborts or the registry closes; leaving the
   * loop frees everything. A refusal rejects the first `next()`.
   */
  watch(clusterId: string, options?: RegistryCallOptions): AsyncIterable<WatchMessage>;
  health(): Awaitable<RegistryHealth>;
  totals(): Awaitable<RegistryTotals>;
  /**
   * Ends all watches. Further updates, deletes, lists and watches reject with
   * `ERR_REGISTRY_CLOSED`.
   */
  close(): Promise<void>;
}

/** How much has expired at once. */
export interface Swept {
  /** Clusters that were removed with their last affiliate. */
  readonly clusters: number;
  readonly affiliates: number;
  /** Endpoints of removed affiliates, and those that have expired one by one. */
  readonly endpoints: number;
}

/**
 * Callbacks of a registry for metrics. They only observe, must not throw, and cost nothing if
 * absent.
 */
export interface RegistryObservers {
  /** Called each time that something has expired. */
  readonly onSweep?: ((swept: Swept) => void) | undefined;
  /**
   * Called for each message to a watcher after its snapshot, with the time that the oldest change
   * in it has waited, in ms. A long time means that the watcher reads slowly.
   */
  readonly onWatchLag?: ((lagMs: number) => void) | undefined;
}
