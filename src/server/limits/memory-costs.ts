/**
 * What is held for each connection, watch and stream, and how many of each fit into memory.
 *
 * Measured as growth of RSS over some thousands of each, on Node 26, and rounded up.
 * @module
 */
import type { MemoryBudget } from "../../registry/memory-budget.ts";

/** An HTTP/2 connection. */
export const CONNECTION_BYTES = 28_000;
/** What TLS adds to a connection. */
export const TLS_BYTES = 48_000;
/** A watch; one through Connect's handler has {@link CONNECT_STREAM_BYTES} too. */
export const WATCH_BYTES = 12_000;
/** A stream through Connect's handler. */
export const CONNECT_STREAM_BYTES = 56_000;
/**
 * Garbage of a service that is filled as fast as it can, beside what an idle one has: 18 to 24 MB
 * with a heap of 256 MB.
 */
const MAX_PROCESS_BYTES = 24 * 2 ** 20;
/** Of a small limit, no more than this part. */
const PROCESS_PART = 0.1;

/** What a service with this limit counts as `process`. */
export function processBytes(maxBytes: number): number {
  return Math.min(MAX_PROCESS_BYTES, Math.floor(maxBytes * PROCESS_PART));
}

/** A call on a stream whose request has not arrived whole, without its bytes. */
export const PENDING_CALL_BYTES = 6_000;

/**
 * Connections and watches take no more than this part of memory, each: the rest is for the state.
 */
export const PART: number = 1 / 3;

/** How many may be held at once, whatever the flags that count them say. */
export interface FittingCounts {
  readonly connections: number;
  readonly watches: number;
  readonly connectStreams: number;
}

/** What fits into `maxBytes`: at least 1 of each. */
export function fittingCounts(maxBytes: number): FittingCounts {
  const fitting = (bytesOfEach: number) => Math.max(1, Math.floor((maxBytes * PART) / bytesOfEach));
  return {
    connections: fitting(CONNECTION_BYTES),
    watches: fitting(WATCH_BYTES),
    connectStreams: fitting(CONNECT_STREAM_BYTES),
  };
}

/** As {@link fittingCounts}, without a limit if nobody counts. */
export function fittingCountsOf(memory: MemoryBudget | undefined): FittingCounts {
  return fittingCounts(memory?.maxBytes ?? Number.POSITIVE_INFINITY);
}
