/**
 * Loaded into our service before it starts, for the bench alone: measures how late its event loop is, and writes what it has
 * seen since the last signal into the file named by `BENCH_LOOP_DELAY_FILE` on SIGUSR2.
 * @module
 */
import { writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

const RESOLUTION_MS = 5;
const NS_PER_MS = 1e6;

const file = process.env.BENCH_LOOP_DELAY_FILE;
if (file === undefined) throw new Error("BENCH_LOOP_DELAY_FILE is not set");
const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
histogram.enable();

process.on("SIGUSR2", () => {
  // A sample is the time between two timers: what is over their interval is delay.
  const delayMs = (percentile: number): number =>
    Math.max(0, histogram.percentile(percentile) / NS_PER_MS - RESOLUTION_MS);
  const p50Ms = delayMs(50);
  const p99Ms = delayMs(99);
  const maxMs = Math.max(0, histogram.max / NS_PER_MS - RESOLUTION_MS);
  histogram.reset();
  writeFileSync(file, `${JSON.stringify({ p50Ms, p99Ms, maxMs })}\n`);
});
