/**
 * What a group of benchmarks is to the command that runs it.
 * @module
 */
import { type CompareOptions, type Comparison, compare } from "./compare.ts";
import type { Measurement } from "./measurement.ts";

export interface BenchOptions extends CompareOptions {
  /** A run that only shows that everything works: few rounds. */
  readonly quick: boolean;
}

/** Exported by each file of `bench/cases`. */
export type Measure = (options: BenchOptions) => Promise<readonly Measurement[]>;

/** Compares one after the other. */
export async function compareAll(
  comparisons: Iterable<Comparison> | AsyncIterable<Comparison>,
  options: BenchOptions,
): Promise<readonly Measurement[]> {
  const results: Measurement[] = [];
  for await (const comparison of comparisons) results.push(await compare(comparison, options));
  return results;
}
