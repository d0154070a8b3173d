/**
 * A histogram in plain numbers.
 * @module
 */

/** Counts values by size. */
export class Buckets {
  /** The largest value of each bucket, ascending; one more bucket has the rest. */
  readonly upperEnds: readonly number[];
  /** Of each bucket alone: what is exposed adds up those before it. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(upperEnds: readonly number[]) {
    this.upperEnds = upperEnds;
    this.counts = new Float64Array(upperEnds.length + 1);
  }

  observe(value: number): void {
    const { upperEnds, counts } = this;
    let bucket = 0;
    while (bucket < upperEnds.length && value > (upperEnds[bucket] as number)) bucket++;
    counts[bucket] = (counts[bucket] as number) + 1;
    this.sum += value;
  }
}
