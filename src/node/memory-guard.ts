/**
 * Looks at what the process really uses, for what no account covers: old states of a cluster that
 * slow readers keep alive, and garbage that is not collected in time.
 * @module
 */
import type { MemoryBudget } from "../registry/memory-budget.ts";

/** How often memory is looked at. */
const INTERVAL_MS = 1000;

/** What an idle process has in V8's heap and beside it. */
const IDLE_BYTES = 40 * 2 ** 20;

/** A running guard. */
export interface MemoryGuard {
  /** Whether the process uses more than its budget. */
  readonly isPressed: boolean;
  stop(): void;
}

/** Where the guard's figures and time come from. */
export interface MemoryGuardSources {
  /** Bytes in V8's heap and of buffers. */
  readonly usedBytes?: (() => number) | undefined;
}

/** Starts to look. It does not keep the process alive. */
export function guardMemory(
  memory: MemoryBudget | undefined,
  { usedBytes = processBytes }: MemoryGuardSources = {},
): MemoryGuard {
  if (memory === undefined || memory.maxBytes === Number.POSITIVE_INFINITY) {
    return { isPressed: false, stop() {} };
  }
  const guard = { isPressed: false, stop: () => clearInterval(timer) };
  const timer = setInterval(() => {
    guard.isPressed = usedBytes() > memory.maxBytes + IDLE_BYTES;
  }, INTERVAL_MS);
  timer.unref();
  return guard;
}

function processBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
