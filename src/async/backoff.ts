/**
 * How long to wait after a failure: longer each time, and never the same for all nodes of a
 * cluster.
 * @see docs/protocol.md, "What a client does", 1
 * @module
 */

/** The middle of the first wait. */
const INITIAL_BACKOFF_MS = 500;

/** Each wait's middle is this much longer than the one before. */
const BACKOFF_FACTOR = 1.5;

/** The middle of the longest wait. */
export const MAX_BACKOFF_MS = 60_000;

/**
 * A wait is its middle plus or minus this share, so that nodes cut off together do not return
 * together.
 */
const BACKOFF_JITTER = 0.5;

export class Backoff {
  readonly #random: () => number;
  #middleMs: number = INITIAL_BACKOFF_MS;

  /** @param random - From [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** The next wait in ms: 250 to 750 at first, 30,000 to 90,000 at last. */
  next(): number {
    const delayMs = this.#middleMs * (1 - BACKOFF_JITTER + 2 * BACKOFF_JITTER * this.#random());
    this.#middleMs = Math.min(this.#middleMs * BACKOFF_FACTOR, MAX_BACKOFF_MS);
    return Math.round(delayMs);
  }

  /** Something worked: the next failure starts small again. */
  reset(): void {
    this.#middleMs = INITIAL_BACKOFF_MS;
  }
}
