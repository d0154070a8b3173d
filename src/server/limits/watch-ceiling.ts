/**
 * How many watches there may be: of one client, and of all.
 * @module
 */
import { checkInteger } from "../../check.ts";
import { DiscoveryError } from "../../errors.ts";
import type { MemoryBudget } from "../../registry/memory-budget.ts";
import { registryClient } from "./client-address.ts";
import { fittingCountsOf, WATCH_BYTES } from "./memory-costs.ts";
import { NetworkShares } from "./network-shares.ts";

/** Ceilings on what callers hold open. */
export interface Ceilings {
  /** Watches of all clients together; fewer if memory is short. @default 50_000 */
  readonly maxWatches?: number | undefined;
  /**
   * Watches of one client: an IPv4 address, or an IPv6 network of 64 bits. Several clusters of 1024
   * nodes may share an address. Callers whose address nobody knows are not counted. @default 5000
   */
  readonly maxWatchesPerClient?: number | undefined;
  /**
   * Most that one client may hold, in percent of the watches that are free: at 100 it has half of
   * all at most. So has an IPv6 network of 48 bits. 0 is off. @default 100
   */
  readonly watchesSharePercent?: number | undefined;
}

export const DEFAULT_MAX_WATCHES = 50_000;
export const DEFAULT_MAX_WATCHES_PER_CLIENT = 5000;
export const DEFAULT_WATCHES_SHARE_PERCENT = 100;

/** Counts watches. Holds one entry per client that watches, and none for others. */
export class WatchCeiling {
  readonly #maxWatches: number;
  readonly #maxWatchesPerClient: number;
  readonly #shares: NetworkShares;
  readonly #memory: MemoryBudget | undefined;

  /**
   * @param memory - Told of the watches, as `watches`.
   * @throws {RangeError} If a ceiling is not a positive integer.
   */
  constructor(ceilings: Ceilings = {}, memory?: MemoryBudget) {
    const { maxWatches = DEFAULT_MAX_WATCHES } = ceilings;
    const { maxWatchesPerClient = DEFAULT_MAX_WATCHES_PER_CLIENT } = ceilings;
    const { watchesSharePercent = DEFAULT_WATCHES_SHARE_PERCENT } = ceilings;
    checkInteger("ceilings.maxWatches", maxWatches, 1);
    checkInteger("ceilings.maxWatchesPerClient", maxWatchesPerClient, 1);
    checkInteger("ceilings.watchesSharePercent", watchesSharePercent, 0);
    this.#maxWatches = Math.min(maxWatches, fittingCountsOf(memory).watches);
    this.#maxWatchesPerClient = maxWatchesPerClient;
    this.#shares = new NetworkShares({ max: this.#maxWatches, sharePercent: watchesSharePercent });
    this.#memory = memory;
  }

  /**
   * Counts one more watch.
   *
   * @param clientIp - 4 or 16 bytes.
   * @returns Takes it off again; further calls do nothing.
   * @throws {DiscoveryError} `ERR_TOO_MANY_WATCHES`, `ERR_WATCH_SHARE`
   */
  enter(clientIp: Uint8Array | undefined): () => void {
    const shares = this.#shares;
    if (shares.held >= this.#maxWatches) {
      throw new DiscoveryError("ERR_TOO_MANY_WATCHES", "too many watches");
    }
    const client = registryClient(clientIp);
    if (client !== undefined && shares.heldBy(client) >= this.#maxWatchesPerClient) {
      throw new DiscoveryError("ERR_TOO_MANY_WATCHES", "too many watches of one client");
    }
    if (!shares.allows(client)) {
      throw new DiscoveryError("ERR_WATCH_SHARE", "too many watches of one client");
    }
    shares.add(client);
    this.#memory?.add("watches", WATCH_BYTES);
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      shares.remove(client);
      this.#memory?.add("watches", -WATCH_BYTES);
    };
  }
}
