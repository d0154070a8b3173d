/**
 * How much of something that has a ceiling one client may hold: at most as much as is still free.
 * So one client gets half, and while anything is free, a newcomer gets something.
 * @module
 */
import { checkInteger } from "../check.ts";
import type { MemoryBudget } from "./memory-budget.ts";

/**
 * What a client takes in the table: its text, an object and a place in a map. Measured as growth of
 * RSS with a client for each of 50,000 clusters.
 */
export const CLIENT_BYTES = 230;

/** The largest `sharePercent`: such a client may hold all but a thousandth. */
export const MAX_SHARE_PERCENT = 100_000;

/** Options of {@link ClientShares}. */
export interface ClientSharesOptions {
  /** How many there may be of all clients together: a positive integer, or `Infinity`. */
  readonly max: number;
  /**
   * How many a client may hold, in percent of what is free; an integer from 0 to 100,000, 0 is off.
   *
   * @default 100
   */
  readonly sharePercent?: number | undefined;
  /** Told of what the table of clients takes, as `state`. */
  readonly memory?: MemoryBudget | undefined;
  /** What is free, if not `max` without what is held here. */
  readonly free?: (() => number) | undefined;
}

/** How many each client holds. Takes memory for clients that hold something. */
export class ClientShares {
  readonly #free: () => number;
  readonly #sharePercent: number;
  readonly #memory: MemoryBudget | undefined;
  readonly #clients = new Map<string, { readonly client: string; held: number }>();
  #held = 0;

  /** @throws {RangeError} If an option is out of range. */
  constructor({ max, sharePercent = 100, memory, free }: ClientSharesOptions) {
    this.#memory = memory;
    if (max !== Number.POSITIVE_INFINITY) checkInteger("max", max, 1);
    this.#free = free ?? (() => max - this.#held);
    this.#sharePercent = checkInteger("sharePercent", sharePercent, 0, MAX_SHARE_PERCENT);
  }

  /** How many all clients hold, unknown ones included. */
  get held(): number {
    return this.#held;
  }

  /** How many clients hold something. */
  get clients(): number {
    return this.#clients.size;
  }

  /** @param client - An unknown one's are not told apart: 0. */
  heldBy(client: string | undefined): number {
    return client === undefined ? 0 : (this.#clients.get(client)?.held ?? 0);
  }

  /**
   * Whether `client` may hold one more: with it at most its share of what is free before, rounded
   * up.
   *
   * @param client - An unknown one has no share, and may.
   * @param amount - How many more. @default 1
   */
  allows(client: string | undefined, amount = 1): boolean {
    if (client === undefined || this.#sharePercent === 0) return true;
    const share = Math.ceil((Math.max(this.#free(), 0) * this.#sharePercent) / 100);
    return this.heldBy(client) + amount <= share;
  }

  /**
   * Counts one more.
   *
   * @param amount - How many more. @default 1
   * @returns `client`, as the same text for as long as it holds something: to be kept by those who
   *   keep it often.
   */
  add(client: string | undefined, amount = 1): string | undefined {
    this.#held += amount;
    if (client === undefined) return undefined;
    const entry = this.#clients.get(client);
    if (entry === undefined) {
      this.#clients.set(client, { client, held: amount });
      this.#memory?.add("state", CLIENT_BYTES);
      return client;
    }
    entry.held += amount;
    return entry.client;
  }

  /**
   * Counts one less.
   *
   * @param amount - How many less. @default 1
   */
  remove(client: string | undefined, amount = 1): void {
    this.#held -= amount;
    if (client === undefined) return;
    const entry = this.#clients.get(client);
    if (entry === undefined) return;
    entry.held -= amount;
    if (entry.held > 0) return;
    this.#clients.delete(client);
    this.#memory?.add("state", -CLIENT_BYTES);
  }

  /** Everything is let go at once. */
  clear(): void {
    this.#memory?.add("state", -this.#clients.size * CLIENT_BYTES);
    this.#clients.clear();
    this.#held = 0;
  }
}
