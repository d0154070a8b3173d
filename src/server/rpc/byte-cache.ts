/**
 * Encoded answers that are kept while they are asked for.
 * @module
 */
import { type ScheduleWake, scheduleTimeout } from "../../async/timers.ts";
import type { MemoryBudget } from "../../registry/memory-budget.ts";

/** Entries that are not asked for during one to two of these are dropped. */
const GENERATION_MS = 10_000;

/** Most bytes of one cache, unless the memory budget asks for less. */
const DEFAULT_MAX_BYTES = 32 * 1024 * 1024;

/** What an entry costs beside its bytes. */
const ENTRY_BYTES = 200;

/** Options of {@link ByteCache}. */
export interface ByteCacheOptions {
  readonly maxBytes?: number | undefined;
  /** Told of the bytes, as `caches`; drops them all when it is tight. */
  readonly memory?: MemoryBudget | undefined;
  readonly schedule?: ScheduleWake | undefined;
}

/**
 * Bytes by the object that they were made from.
 *
 * In two generations: a look-up moves an entry to the younger one, and the older one is dropped as
 * a whole, either when the younger has half of the bytes or after a time. So a look-up costs two
 * hash tables and no order has to be kept.
 */
export class ByteCache<Key extends object> {
  readonly #maxBytes: number;
  readonly #memory: MemoryBudget | undefined;
  readonly #schedule: ScheduleWake;
  #young = new Map<Key, Uint8Array>();
  #old = new Map<Key, Uint8Array>();
  #youngBytes = 0;
  #oldBytes = 0;
  #hasTimer = false;

  constructor(options: ByteCacheOptions = {}) {
    const { maxBytes = DEFAULT_MAX_BYTES, memory, schedule = scheduleTimeout } = options;
    this.#maxBytes = maxBytes;
    this.#memory = memory;
    this.#schedule = schedule;
    memory?.onTight(() => this.clear());
  }

  /** Bytes of all entries, with what each costs beside them. */
  get bytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }

  get(key: Key): Uint8Array | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    const bytes = old.length + ENTRY_BYTES;
    this.#oldBytes -= bytes;
    this.#memory?.add("caches", -bytes);
    this.#add(key, old, bytes);
    return old;
  }

  /** Keeps `value` for a key that is not there, unless it is too large or memory is short. */
  set(key: Key, value: Uint8Array): void {
    const bytes = value.length + ENTRY_BYTES;
    if (bytes > this.#maxBytes / 2 || this.#memory?.isTight(bytes) === true) return;
    this.#add(key, value, bytes);
    this.#ageLater();
  }

  clear(): void {
    this.#memory?.add("caches", -this.bytes);
    this.#young.clear();
    this.#old.clear();
    this.#youngBytes = 0;
    this.#oldBytes = 0;
  }

  /** Also for what comes from the older generation: else the younger one would grow without end. */
  #add(key: Key, value: Uint8Array, bytes: number): void {
    if (this.#youngBytes + bytes > this.#maxBytes / 2) this.#age();
    this.#young.set(key, value);
    this.#youngBytes += bytes;
    this.#memory?.add("caches", bytes);
  }

  #age(): void {
    this.#memory?.add("caches", -this.#oldBytes);
    this.#old = this.#young;
    this.#oldBytes = this.#youngBytes;
    this.#young = new Map();
    this.#youngBytes = 0;
  }

  #ageLater(): void {
    if (this.#hasTimer) return;
    this.#hasTimer = true;
    this.#schedule(() => {
      this.#hasTimer = false;
      this.#age();
      if (this.bytes > 0) this.#ageLater();
    }, GENERATION_MS);
  }
}
