/**
 * What a runtime cannot do, and why. A gap that starts to pass fails the run, so that this list stays true.
 * @module
 */

export interface Gap {
  /** A name that `run.ts` prints: `bun`, `workerd`, `deno-serve`. */
  readonly runtime: string;
  /** The whole name of the test. */
  readonly test: string;
  readonly reason: string;
}

export const GAPS: readonly Gap[] = [];
