/**
 * The groups of benchmarks by name.
 * @module
 */
import type { BenchOptions, Measure } from "./harness/measure.ts";

/** Loaded when run: what one group has compiled is no part of another's process. */
export const GROUPS: Readonly<Record<string, () => Promise<{ readonly measure: Measure }>>> = {
  seal: () => import("./cases/seal.ts"),
  base62: () => import("./cases/base62.ts"),
  codec: () => import("./cases/codec.ts"),
  registry: () => import("./cases/registry.ts"),
  "fan-out": () => import("./cases/fan-out.ts"),
  expiry: () => import("./cases/expiry.ts"),
  memory: () => import("./cases/memory.ts"),
  discovery: () => import("./cases/discovery.ts"),
};

// A batch is shorter than a scheduler's time slice: on a busy machine most are then undisturbed, and the rest are outliers.
export const FULL: BenchOptions = { quick: false, rounds: 100, batchMs: 1, warmUpMs: 100 };
export const QUICK: BenchOptions = { quick: true, rounds: 12, batchMs: 1, warmUpMs: 20 };
