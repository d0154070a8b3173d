/**
 * Timers, as a callback and as a promise. Whatever waits takes one of the two types as an option,
 * so that tests can supply the time.
 * @module
 */
import { abortable, linkedController, unlessAborted } from "./waits.ts";

/** Longest delay that `setTimeout` takes, in ms; after a longer one it calls back at once. */
export const MAX_DELAY_MS = 2_147_483_647;

/** Calls `callback` once, `delayMs` from now, unless cancelled. */
export type ScheduleWake = (callback: () => void, delayMs: number) => { cancel(): void };

/** Resolves after a time in ms; rejects with `signal.reason` at once when `signal` aborts. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/**
 * {@link ScheduleWake} on `setTimeout`, if possible without keeping the process alive (Node, Bun).
 */
export const scheduleTimeout: ScheduleWake = (callback, delayMs) => {
  const timer: unknown = setTimeout(callback, delayMs);
  (timer as { unref?: () => void }).unref?.();
  return { cancel: () => clearTimeout(timer as number) };
};

/** {@link ScheduleWake} on `setTimeout`. Keeps the process alive. */
export const scheduleWork: ScheduleWake = (callback, delayMs) => {
  const timer = setTimeout(callback, delayMs);
  return { cancel: () => clearTimeout(timer) };
};

/** {@link Sleep} on `setTimeout`. Keeps the process alive. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return abortable((resolve) => {
    const timer = setTimeout(resolve, ms);
    return () => clearTimeout(timer);
  }, signal);
}

/** Waits for `promise`, at most `ms`: after that it rejects with the error that `error` makes. */
export async function withinTime<T>(
  promise: Promise<T>,
  ms: number,
  error: () => Error,
  sleeper: Sleep,
  signal: AbortSignal,
): Promise<T> {
  const { controller, unlink } = linkedController(signal);
  try {
    return await Promise.race([
      unlessAborted(promise, controller.signal),
      sleeper(ms, controller.signal).then(() => {
        throw error();
      }),
    ]);
  } finally {
    controller.abort();
    unlink();
  }
}
