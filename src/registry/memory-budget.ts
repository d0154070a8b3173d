/**
 * How much memory a service takes for what callers make it hold, by kind, and when it is short.
 * @module
 */
import { checkInteger } from "../check.ts";

/** What memory is taken for. */
export type MemoryKind = "state" | "caches" | "unsent" | "watches" | "streams" | "connections";

/** Counts bytes by kind against a ceiling. */
export class MemoryBudget {
  readonly maxBytes: number;
  readonly #byKind: Record<MemoryKind, number> = {
    state: 0,
    caches: 0,
    unsent: 0,
    watches: 0,
    streams: 0,
    connections: 0,
  };
  readonly #caches = new Set<() => void>();
  #usedBytes = 0;

  constructor({ maxBytes }: { readonly maxBytes: number }) {
    this.maxBytes =
      maxBytes === Number.POSITIVE_INFINITY ? maxBytes : checkInteger("maxBytes", maxBytes, 1);
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  usedBy(kind: MemoryKind): number {
    return this.#byKind[kind];
  }

  add(kind: MemoryKind, bytes: number): void {
    this.#byKind[kind] += bytes;
    this.#usedBytes += bytes;
  }

  onTight(dropCaches: () => void): () => void {
    this.#caches.add(dropCaches);
    return () => this.#caches.delete(dropCaches);
  }

  isTight(extraBytes = 0): boolean {
    if (!this.#isOver(0.9, extraBytes)) return false;
    if (this.#byKind.caches > 0) for (const dropCaches of this.#caches) dropCaches();
    return this.#isOver(0.9, extraBytes);
  }

  isFull(extraBytes = 0): boolean {
    return this.#isOver(1, extraBytes);
  }

  #isOver(part: number, extraBytes: number): boolean {
    return this.#usedBytes + extraBytes > part * this.maxBytes;
  }
}
