/**
 * Times versions of one operation against each other: equal results first, then short batches in turn.
 *
 * The usual libraries time one version after the other, so a machine that slows down in between makes a difference
 * that is not there. Here each round runs one batch of every version, and a ratio is taken within a round.
 * @module
 */
import type { Measurement } from "./measurement.ts";

/** One way to do an operation. */
export interface Version<State = unknown> {
  readonly name: string;
  /** Before each batch, untimed. */
  setup?(operations: number): State | Promise<State>;
  /** The timed operation; awaited where it gives a promise. */
  run(index: number, state: State): unknown;
  /** After each batch, untimed. */
  teardown?(state: State): unknown;
}

/** Versions of one operation. The first is ours, the others are what it is compared with. */
export interface Comparison {
  readonly name: string;
  readonly versions: readonly Version[];
  /** Throws where the versions' results differ; run before anything is timed. */
  verify(): unknown;
  /** Fixed number of operations in a batch. @default as many as fill `batchMs` */
  readonly operations?: number;
  /** Fixed number of rounds. @default the one of the options */
  readonly rounds?: number;
  /** By how much one `run` counts: a result is shown per unit. @default 1 */
  readonly unitsPerOperation?: number;
}

/** How long to measure. */
export interface CompareOptions {
  readonly rounds: number;
  /** How long one batch takes about. */
  readonly batchMs: number;
  /** How long each version runs before it is timed, so that it is compiled. */
  readonly warmUpMs: number;
  /** In ms. @default performance.now */
  readonly now?: () => number;
}

/**
 * Verifies, warms up, then times the versions in turn. The order of the versions moves on by one each round, so that
 * none always runs after the same other one.
 */
export async function compare(
  comparison: Comparison,
  { rounds: defaultRounds, batchMs, warmUpMs, now = () => performance.now() }: CompareOptions,
): Promise<Measurement> {
  await comparison.verify();
  const { versions } = comparison;
  const operations: number[] = [];
  for (const version of versions) {
    operations.push(await calibrate(version, comparison.operations, { batchMs, warmUpMs, now }));
  }
  const rounds = comparison.rounds ?? defaultRounds;
  const units = comparison.unitsPerOperation ?? 1;
  const measured = versions.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < versions.length; turn++) {
      const at = (round + turn) % versions.length;
      const count = operations[at] as number;
      const tookMs = await runBatch(versions[at] as Version, count, now);
      measured[at]?.push((tookMs * 1e6) / (count * units));
    }
  }
  return {
    name: comparison.name,
    unit: "ns",
    versions: versions.map(({ name }, at) => ({ name, values: measured[at] as number[] })),
  };
}

/** Runs a version until it is warm, and finds how many operations fill a batch where that is not `fixed`. */
async function calibrate(
  version: Version,
  fixed: number | undefined,
  { batchMs, warmUpMs, now }: { batchMs: number; warmUpMs: number; now: () => number },
): Promise<number> {
  const start = now();
  let operations = fixed ?? 1;
  for (;;) {
    const tookMs = await runBatch(version, operations, now);
    const isWarm = now() - start >= warmUpMs;
    if (fixed !== undefined) {
      if (isWarm) return fixed;
    } else if (isWarm && tookMs >= batchMs / 4) {
      return Math.max(1, Math.round((operations * batchMs) / tookMs));
    } else if (tookMs < batchMs) {
      operations *= 2;
    }
  }
}

/** @returns The milliseconds of all operations together. */
async function runBatch(version: Version, operations: number, now: () => number): Promise<number> {
  const state = await version.setup?.(operations);
  const start = now();
  for (let index = 0; index < operations; index++) {
    const result = version.run(index, state);
    // Only a promise is awaited: a turn of the microtask queue would outweigh a short operation.
    if (result instanceof Promise) await result;
    else kept = result;
  }
  const tookMs = now() - start;
  await version.teardown?.(state);
  return tookMs;
}

/** Where results go, so that no compiler finds them unused. Exported, so that the writes themselves are of use. */
export let kept: unknown;
