/**
 * How long the event loop keeps work waiting, between one scrape and the next.
 * @module
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Registry } from "prom-client";
import { exposeGauge, type Sample } from "./exposed-metric.ts";

/** How often the delay is measured: so an idle loop shows about this much. */
const RESOLUTION_MS = 20;

const NANOSECONDS = 1e9;

/** Exposes the delay under the names that Node's dashboards know. */
export function exposeEventLoop(metrics: Registry): void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  // All are asked for in one turn, and the first to be read takes the figures of all.
  let figures: Readonly<Record<string, number>> = {};
  function take(): void {
    if (delay.count === 0) return;
    figures = {
      mean: delay.mean,
      p50: delay.percentile(50),
      p90: delay.percentile(90),
      p99: delay.percentile(99),
      max: delay.max,
    };
    delay.reset();
  }
  for (const name of ["mean", "p50", "p90", "p99", "max"]) {
    exposeGauge(metrics, {
      name: `nodejs_eventloop_lag_${name}_seconds`,
      help: `How long the event loop kept a timer waiting since the last scrape, with the ${RESOLUTION_MS} ms of the timer itself: ${name}.`,
      read(): Sample[] {
        if (name === "mean") take();
        const value = figures[name];
        return value === undefined ? [] : [[{}, value / NANOSECONDS]];
      },
    });
  }
}
