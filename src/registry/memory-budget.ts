/**
 * How much memory a service may take, and what takes it: counted by those who hold it, so that a
 * decision costs an addition.
 * @module
 */
import { checkInteger } from "../check.ts";

/**
 * What takes memory. `process` is garbage that is not collected yet.
 */
export type MemoryKind =
  | "process"
  | "state"
  | "caches"
  | "unsent"
  | "watches"
  | "streams"
  | "connections";

/** Over this part of the ceiling, caches are dropped and new state is refused. */
const TIGHT_PART = 0.9;

/**
 * Counts bytes against a ceiling. Nothing is measured: whoever holds something adds it, and takes
 * it off again.
 *
 * @example
 * const memory = new MemoryBudget({ maxBytes: 256 * 1024 * 1024 });
 * const registry = new MemoryRegistry({ memory });
 */
export class MemoryBudget {
  readonly maxBytes: number;
  readonly #tightBytes: number;
  readonly #used: Record<MemoryKind, number> = {
    process: 0,
    state: 0,
    caches: 0,
    unsent: 0,
    watches: 0,
    streams: 0,
    connections: 0,
  };
  #usedBytes = 0;
  readonly #caches = new Set<() => void>();

  /**
   * @param options - `maxBytes` is a positive integer, or `Infinity`.
   * @throws {RangeError} If it is anything else.
   */
  constructor({ maxBytes }: { readonly maxBytes: number }) {
    this.maxBytes = maxBytes === Number.POSITIVE_INFINITY ? maxBytes : checkMaxBytes(maxBytes);
    this.#tightBytes = this.maxBytes * TIGHT_PART;
  }

  /** @param bytes - Negative for what is let go. */
  add(kind: MemoryKind, bytes: number): void {
    this.#used[kind] += bytes;
    this.#usedBytes += bytes;
  }

  usedBy(kind: MemoryKind): number {
    return this.#used[kind];
  }

  /** Of all kinds. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** What is left below 90 % of the ceiling; caches do not count, since they are dropped first. */
  get freeBytes(): number {
    return Math.max(this.#tightBytes - this.#usedBytes + this.#used.caches, 0);
  }

  /**
   * Registers a cache.
   *
   * @param dropCaches - Drops what is cached, and takes it off this budget before it returns.
   * @returns Unregisters it.
   */
  onTight(dropCaches: () => void): () => void {
    this.#caches.add(dropCaches);
    return () => void this.#caches.delete(dropCaches);
  }

  /**
   * Whether this many more bytes would be over 90 % of the ceiling. If so, caches are dropped
   * first.
   */
  isTight(extraBytes = 0): boolean {
    if (this.#usedBytes + extraBytes <= this.#tightBytes) return false;
    if (this.#used.caches > 0) for (const dropCaches of this.#caches) dropCaches();
    return this.#usedBytes + extraBytes > this.#tightBytes;
  }

  /** Whether this many more bytes would be over the ceiling. */
  isFull(extraBytes = 0): boolean {
    return this.#usedBytes + extraBytes > this.maxBytes;
  }
}

function checkMaxBytes(maxBytes: number): number {
  return checkInteger("maxBytes", maxBytes, 1);
}
