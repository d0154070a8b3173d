/**
 * Limits the time that scrapes of metrics take. Anybody who reaches the port may scrape, and one
 * collection takes milliseconds.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";

/** Scrapes take at most a tenth of the time. */
const REST_PER_WORK = 9;

/** A collection takes long if the process is busy. No scrape may time out because of that. */
const MAX_REST_MS = 1000;

/**
 * Collects once for all scrapes that wait. A scrape after a pause is collected at once. Every
 * answer is newer than the request for it.
 */
export class SharedScrape {
  readonly #collect: () => Promise<string>;
  readonly #now: () => number;
  readonly #sleep: (ms: number) => Promise<unknown>;
  #next: Promise<string> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #restUntil = Number.NEGATIVE_INFINITY;

  constructor(
    collect: () => Promise<string>,
    now: () => number = () => performance.now(),
    wait: (ms: number) => Promise<unknown> = sleep,
  ) {
    this.#collect = collect;
    this.#now = now;
    this.#sleep = wait;
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
    if (restMs > 0) await this.#sleep(restMs);
    // Later requests get the next collection.
    this.#next = undefined;
    const started = this.#now();
    try {
      return await this.#collect();
    } finally {
      const ended = this.#now();
      this.#restUntil = ended + Math.min(REST_PER_WORK * (ended - started), MAX_REST_MS);
    }
  }
}
