/**
 * Scrapes that share what they cost: anybody who reaches the port may ask, and to collect all
 * metrics takes milliseconds.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";

/** Which part of the time is spent on scrapes at most: a tenth. */
const REST_PER_WORK = 9;

/**
 * Collects after the first of those who wait has asked, and gives all of them the same text, so that
 * none is older than its question. A scrape after a pause is collected at once.
 */
export class SharedScrape {
  readonly #collect: () => Promise<string>;
  readonly #now: () => number;
  #next: Promise<string> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #restUntil = Number.NEGATIVE_INFINITY;

  constructor(collect: () => Promise<string>, now: () => number = () => performance.now()) {
    this.#collect = collect;
    this.#now = now;
  }

  ask(): Promise<string> {
    if (this.#next === undefined) {
      this.#next = this.#scrape(this.#last);
      this.#last = this.#next.catch(() => {});
    }
    return this.#next;
  }

  async #scrape(last: Promise<unknown>): Promise<string> {
    await last;
    const restMs = this.#restUntil - this.#now();
    if (restMs > 0) await sleep(restMs);
    // Who asks from here on gets a later one.
    this.#next = undefined;
    const started = this.#now();
    try {
      return await this.#collect();
    } finally {
      const ended = this.#now();
      this.#restUntil = ended + REST_PER_WORK * (ended - started);
    }
  }
}
