/**
 * How many watches there may be: of one client, and of all.
 * @module
 */
import { checkInteger } from "../../check.ts";
import { DiscoveryError } from "../../errors.ts";
import { networkKey } from "./client-address.ts";

/** Ceilings on what callers hold open. All are positive integers. */
export interface Ceilings {
  /** Watches of all clients together. @default 50_000 */
  readonly maxWatches?: number | undefined;
  /**
   * Watches of one client: an IPv4 address, or an IPv6 network of 64 bits. Several clusters of 1024
   * nodes may share an address. Callers whose address nobody knows are not counted. @default 5000
   */
  readonly maxWatchesPerClient?: number | undefined;
}

export const DEFAULT_MAX_WATCHES = 50_000;
export const DEFAULT_MAX_WATCHES_PER_CLIENT = 5000;

/** Counts watches. Holds one entry per client that watches, and none for others. */
export class WatchCeiling {
  readonly #maxWatches: number;
  readonly #maxWatchesPerClient: number;
  readonly #byClient = new Map<string, number>();
  #watches = 0;

  /** @throws {RangeError} If a ceiling is not a positive integer. */
  constructor(ceilings: Ceilings = {}) {
    const { maxWatches = DEFAULT_MAX_WATCHES } = ceilings;
    const { maxWatchesPerClient = DEFAULT_MAX_WATCHES_PER_CLIENT } = ceilings;
    this.#maxWatches = checkInteger("ceilings.maxWatches", maxWatches, 1);
    this.#maxWatchesPerClient = checkInteger(
      "ceilings.maxWatchesPerClient",
      maxWatchesPerClient,
      1,
    );
  }

  /**
   * Counts one more watch.
   *
   * @param clientIp - 4 or 16 bytes.
   * @returns Takes it off again; further calls do nothing.
   * @throws {DiscoveryError} `ERR_TOO_MANY_WATCHES`
   */
  enter(clientIp: Uint8Array | undefined): () => void {
    if (this.#watches >= this.#maxWatches) {
      throw new DiscoveryError("ERR_TOO_MANY_WATCHES", "too many watches");
    }
    const key = clientIp && networkKey(clientIp);
    const watchesOfClient = key === undefined ? 0 : (this.#byClient.get(key) ?? 0);
    if (watchesOfClient >= this.#maxWatchesPerClient) {
      throw new DiscoveryError("ERR_TOO_MANY_WATCHES", "too many watches of one client");
    }
    this.#watches++;
    if (key !== undefined) this.#byClient.set(key, watchesOfClient + 1);
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      this.#watches--;
      if (key !== undefined) this.#leave(key);
    };
  }

  #leave(key: string): void {
    const left = (this.#byClient.get(key) ?? 1) - 1;
    if (left === 0) this.#byClient.delete(key);
    else this.#byClient.set(key, left);
  }
}
