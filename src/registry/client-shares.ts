/**
 * Shares of what there is a limited number of: no client may take all of it.
 * @module
 */

/** How much there is, and how much of it one client may take. */
export interface ClientSharesOptions {
  /** How much there is in all. */
  readonly max: number;
  /** How much a client may hold, in percent of what is free. 0 is no limit. */
  readonly sharePercent: number;
}

/**
 * Counts what each client holds. A client may hold at most as much as a percentage of what is
 * free: with 100 percent, one client gets half at most, and the next one always gets something.
 * Holds one entry per client that has something.
 */
export class ClientShares {
  readonly #max: number;
  readonly #sharePercent: number;
  readonly #byClient = new Map<string, number>();
  #total = 0;

  constructor({ max, sharePercent }: ClientSharesOptions) {
    this.#max = max;
    this.#sharePercent = sharePercent;
  }

  /** What all clients hold, unknown ones too. */
  get held(): number {
    return this.#total;
  }

  /**
   * Whether a client may take one more.
   *
   * @param client - Its network key. `undefined` is always allowed.
   */
  allows(client: string | undefined): boolean {
    if (client === undefined || this.#sharePercent === 0) return true;
    const free = this.#max - this.#total;
    return this.heldBy(client) + 1 <= Math.ceil((free * this.#sharePercent) / 100);
  }

  add(client: string | undefined): void {
    this.#total++;
    if (client !== undefined) this.#byClient.set(client, this.heldBy(client) + 1);
  }

  /** Takes off one that was added. */
  remove(client: string | undefined): void {
    this.#total--;
    if (client === undefined) return;
    const left = this.heldBy(client) - 1;
    if (left > 0) this.#byClient.set(client, left);
    else this.#byClient.delete(client);
  }

  heldBy(client: string): number {
    return this.#byClient.get(client) ?? 0;
  }
}
