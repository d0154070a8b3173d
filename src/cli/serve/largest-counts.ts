/**
 * Who does something most often, of any number, in memory of a fixed size.
 * @module
 */

/**
 * Counts by name and keeps the largest counts.
 *
 * A Misra-Gries summary: when there are too many names, the median count is taken off all, and
 * names without a count are forgotten. So each name costs a constant on average, and a count is at
 * most 2/`maxNames` of the total too low, never too high.
 */
export class LargestCounts {
  readonly #maxNames: number;
  readonly #counts = new Map<string, number>();
  #total = 0;
  #mostNames = 0;
  #isComplete = true;

  constructor(maxNames: number) {
    this.#maxNames = maxNames;
  }

  /** How often anything was counted. */
  get total(): number {
    return this.#total;
  }

  /** How many different names there were; more than this if not {@link isComplete}. */
  get names(): number {
    return this.#mostNames;
  }

  /** Whether no name was forgotten: then all counts are exact. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  add(name: string): void {
    this.#total++;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    this.#mostNames = Math.max(this.#mostNames, this.#counts.size);
    if (this.#counts.size >= this.#maxNames) this.#forgetSmall();
  }

  /** The largest counts, from the largest on. */
  largest(howMany: number): readonly (readonly [name: string, count: number])[] {
    return [...this.#counts].sort(([, a], [, b]) => b - a).slice(0, howMany);
  }

  #forgetSmall(): void {
    this.#isComplete = false;
    const sorted = [...this.#counts.values()].sort((a, b) => a - b);
    const median = sorted[sorted.length >> 1] ?? 0;
    for (const [name, count] of this.#counts) {
      if (count <= median) this.#counts.delete(name);
      else this.#counts.set(name, count - median);
    }
  }
}
