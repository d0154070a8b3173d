/**
 * Chance that can be repeated.
 * @module
 */

/** Numbers that follow from a seed. */
export interface SeededRandom {
  readonly seed: number;
  /** An integer from 0 to under `limit`. */
  below(limit: number): number;
  bytes(length: number): Buffer;
  pick<Item>(items: readonly Item[]): Item;
}

/** Mulberry32: small, and good enough for chance. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  function below(limit: number): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }
  return {
    seed,
    below,
    bytes: (length) => Buffer.from(Array.from({ length }, () => below(256))),
    pick: (items) => items[below(items.length)] as (typeof items)[number],
  };
}
