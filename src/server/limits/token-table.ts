/**
 * Token buckets for any number of clients in a fixed amount of memory.
 *
 * A bucket is one number, the instant at which it will be full again; one that is full is as good
 * as none. Buckets lie in rows of a hash table. Where a row has no free place, a client that is not
 * in it takes the place of the one whose bucket is nearest to full: whoever has asked for the most
 * stays the longest, and what is forgotten is the little that a client had used. So a flood of
 * addresses can make the limit less strict, and never stricter: nobody is refused for the calls of
 * another.
 * @module
 */

export interface TokenTableOptions {
  /** What a full bucket holds. */
  readonly burst: number;
  /** Clients to remember at least; a power of two of them is. */
  readonly maxClients: number;
  /**
   * Any 32 bits, which callers do not know: so they cannot choose addresses that fall into one row.
   */
  readonly seed: number;
}

/** Clients in one row. With 8, rows are rarely full before the table is. */
const ROW_CLIENTS = 8;

/** What rounding may take from a token or add to it. */
const TOKEN_ERROR = 1e-6;

/** Time is counted in tokens: one token's worth of it is 1. */
export class TokenTable {
  readonly #burst: number;
  readonly #seed: number;
  readonly #rowMask: number;
  readonly #high: Uint32Array;
  readonly #low: Uint32Array;
  readonly #fullAt: Float64Array;
  readonly #isKept: Uint8Array;

  constructor({ burst, maxClients, seed }: TokenTableOptions) {
    this.#burst = burst;
    this.#seed = seed | 0;
    const places = 2 ** Math.ceil(Math.log2(Math.max(maxClients, ROW_CLIENTS)));
    this.#rowMask = places / ROW_CLIENTS - 1;
    this.#high = new Uint32Array(places);
    this.#low = new Uint32Array(places);
    this.#fullAt = new Float64Array(places).fill(Number.NEGATIVE_INFINITY);
    this.#isKept = new Uint8Array(places);
  }

  /** How many clients it can remember. */
  get places(): number {
    return this.#fullAt.length;
  }

  /**
   * The place of a client, which has a full bucket where it is new.
   *
   * @returns Valid until the next call, or as long as it is kept; -1 where all clients of its row
   *   are kept.
   */
  placeOf(high: number, low: number): number {
    const first = this.#rowOf(high, low) * ROW_CLIENTS;
    let fullest = -1;
    let earliest = Number.POSITIVE_INFINITY;
    for (let place = first; place < first + ROW_CLIENTS; place++) {
      const fullAt = this.#fullAt[place] as number;
      // One never used has zeros for a client, which are those of `::`.
      if (
        this.#high[place] === high &&
        this.#low[place] === low &&
        fullAt !== Number.NEGATIVE_INFINITY
      ) {
        return place;
      }
      if (fullAt < earliest && this.#isKept[place] === 0) {
        fullest = place;
        earliest = fullAt;
      }
    }
    if (fullest < 0) return -1;
    this.#high[fullest] = high;
    this.#low[fullest] = low;
    // Long ago, and yet in use.
    this.#fullAt[fullest] = -Number.MAX_VALUE;
    return fullest;
  }

  /**
   * How long until a token is there, when `ahead` others are taken first.
   *
   * @returns 0 for one that is there.
   */
  timeToToken(place: number, now: number, ahead: number): number {
    const fullAt = this.#fullAt[place] as number;
    const time = Math.max(fullAt - now, 0) + 1 + ahead - this.#burst;
    return time > TOKEN_ERROR ? time : 0;
  }

  take(place: number, now: number, tokens = 1): void {
    const fullAt = this.#fullAt[place] as number;
    this.#fullAt[place] = Math.max(fullAt, now) + tokens;
  }

  /** Has a client stay where it is, or lets it make room for others again. */
  keep(place: number, isKept: boolean): void {
    this.#isKept[place] = isKept ? 1 : 0;
  }

  /** The end of MurmurHash3, which leaves no bit where it was. */
  #rowOf(high: number, low: number): number {
    let hash = Math.imul(high ^ this.#seed, 0xcc9e2d51);
    hash = Math.imul(hash ^ (hash >>> 15) ^ low, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13) ^ this.#seed, 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) & this.#rowMask;
  }
}
