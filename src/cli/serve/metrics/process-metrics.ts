/**
 * What every process has: CPU, memory, open files, the event loop.
 *
 * Of prom-client's default metrics those that cost next to nothing. Left out are garbage
 * collections, which are told one by one while the service works, and lists of handles, which grow
 * with its connections.
 * @module
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Registry } from "prom-client";
import addHeap from "prom-client/lib/metrics/heapSizeAndUsed.js";
import addHeapSpaces from "prom-client/lib/metrics/heapSpacesSizeAndUsed.js";
import addMemory from "prom-client/lib/metrics/osMemoryHeap.js";
import addCpu from "prom-client/lib/metrics/processCpuTotal.js";
import addFileLimit from "prom-client/lib/metrics/processMaxFileDescriptors.js";
import addOpenFiles from "prom-client/lib/metrics/processOpenFileDescriptors.js";
import addStartTime from "prom-client/lib/metrics/processStartTime.js";
import addRuntimeVersion from "prom-client/lib/metrics/version.js";
import { exposeGauge, type Sample } from "./exposed-metric.ts";

/** How often the event loop is measured: so an idle loop shows about this much. */
const RESOLUTION_MS = 20;

const NANOSECONDS = 1e9;

/** Exposes them. */
export function exposeProcess(metrics: Registry): void {
  for (const add of [addCpu, addStartTime, addMemory, addOpenFiles, addFileLimit]) add(metrics);
  for (const add of [addHeap, addHeapSpaces, addRuntimeVersion]) add(metrics);
  exposeEventLoop(metrics);
}

/**
 * Exposes how long the event loop keeps work waiting between two scrapes, under the names that
 * Node's dashboards know.
 */
function exposeEventLoop(metrics: Registry): void {
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
