/**
 * What a list of measured values says: the middle, and how far the values lie apart.
 * @module
 */

/** Quantiles of one list of values, in the unit of the values. */
export interface Summary {
  readonly samples: number;
  readonly min: number;
  readonly p25: number;
  readonly median: number;
  readonly p75: number;
  readonly p99: number;
  readonly max: number;
}

/**
 * @param values - At least one, in any order. Not changed.
 * @throws {RangeError} when there is no value.
 */
export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    samples: sorted.length,
    min: quantile(sorted, 0),
    p25: quantile(sorted, 0.25),
    median: quantile(sorted, 0.5),
    p75: quantile(sorted, 0.75),
    p99: quantile(sorted, 0.99),
    max: quantile(sorted, 1),
  };
}

/**
 * The quantile with linear interpolation between the two nearest values.
 *
 * @param sorted - Ascending, at least one value.
 * @param fraction - 0 (smallest) to 1 (largest).
 * @throws {RangeError} when there is no value.
 */
export function quantile(sorted: readonly number[], fraction: number): number {
  if (sorted.length === 0) throw new RangeError("sorted: no values");
  const position = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(position)] as number;
  const above = sorted[Math.ceil(position)] as number;
  return below + (above - below) * (position - Math.floor(position));
}
