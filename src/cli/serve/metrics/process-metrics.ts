/**
 * What every process has: CPU, memory, open files, the event loop.
 *
 * Of prom-client's default metrics those that cost next to nothing. Left out are garbage collections, which are told one by
 * one while the service works, and lists of handles, which grow with its connections.
 * @module
 */
import type { Registry } from "prom-client";
import addHeap from "prom-client/lib/metrics/heapSizeAndUsed.js";
import addHeapSpaces from "prom-client/lib/metrics/heapSpacesSizeAndUsed.js";
import addMemory from "prom-client/lib/metrics/osMemoryHeap.js";
import addCpu from "prom-client/lib/metrics/processCpuTotal.js";
import addFileLimit from "prom-client/lib/metrics/processMaxFileDescriptors.js";
import addOpenFiles from "prom-client/lib/metrics/processOpenFileDescriptors.js";
import addStartTime from "prom-client/lib/metrics/processStartTime.js";
import addRuntimeVersion from "prom-client/lib/metrics/version.js";
import { exposeEventLoop } from "./event-loop.ts";

/** Exposes them. */
export function exposeProcess(metrics: Registry): void {
  for (const add of [addCpu, addStartTime, addMemory, addOpenFiles, addFileLimit]) add(metrics);
  for (const add of [addHeap, addHeapSpaces, addRuntimeVersion]) add(metrics);
  exposeEventLoop(metrics);
}
