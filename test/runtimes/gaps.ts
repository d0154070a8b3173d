/**
 * What a runtime cannot do, and why. A gap that starts to pass fails the run, so that this list stays true.
 * @module
 */
import type { TestResult } from "./harness.ts";

export interface Gap {
  /** A name that `run.ts` prints: `bun`, `workerd`, `deno-serve`. */
  readonly runtime: string;
  /** The whole name of the test. */
  readonly test: string;
  readonly reason: string;
}

/** None is known. */
export const GAPS: readonly Gap[] = [];

export interface Verdict {
  readonly passed: number;
  /** Texts for people: one for each failure that is no gap, and for each gap that is none (any more). */
  readonly failures: readonly string[];
  readonly gaps: readonly Gap[];
}

/** Holds the results of one runtime against the list. */
export function judge(
  runtime: string,
  results: readonly TestResult[],
  list: readonly Gap[] = GAPS,
): Verdict {
  const listed = new Map(
    list.filter((gap) => gap.runtime === runtime).map((gap) => [gap.test, gap]),
  );
  const gaps: Gap[] = [];
  const failures: string[] = [];
  let passed = 0;
  for (const { name, error } of results) {
    const gap = listed.get(name);
    listed.delete(name);
    if (gap === undefined && error === undefined) passed++;
    else if (gap === undefined) failures.push(`FAILED ${name}\n${error}`);
    else if (error === undefined) failures.push(`listed as a gap, but passes: ${name}`);
    else gaps.push(gap);
  }
  for (const name of listed.keys()) failures.push(`listed as a gap, but there is no test: ${name}`);
  return { passed, failures, gaps };
}
