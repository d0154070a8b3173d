/**
 * Waits that an `AbortSignal` ends, and that leave no listener and no timer behind.
 * @module
 */

/** Of a call that goes on until it is told to stop, or has done. */
export interface SignalOptions {
  /** Ends it. @default never */
  readonly signal?: AbortSignal | undefined;
}

/** Resolves after a time in ms; rejects with `signal.reason` at once when `signal` aborts. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/** {@link Sleep} on the runtime's timers. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return abortable((resolve) => {
    const timer = setTimeout(resolve, ms);
    return () => clearTimeout(timer);
  }, signal);
}

/** `promise`, or a rejection with `signal.reason` as soon as `signal` aborts, whatever `promise` does then. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  // Where the wait ends early, nobody is left to hear of a rejection.
  promise.catch(() => {});
  return abortable((resolve, reject) => {
    promise.then(resolve, reject);
    return () => {};
  }, signal);
}

/** Resolves when `signal` aborts; without one never. */
export function untilAborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    else signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** A controller that aborts with the first of `parents`. `unlink` takes its listeners off again. */
export function linkedController(...parents: readonly (AbortSignal | undefined)[]): {
  readonly controller: AbortController;
  readonly unlink: () => void;
} {
  const controller = new AbortController();
  function onAbort(this: AbortSignal): void {
    controller.abort(this.reason);
  }
  for (const parent of parents) {
    if (parent?.aborted) controller.abort(parent.reason);
    parent?.addEventListener("abort", onAbort, { once: true });
  }
  const unlink = () => {
    for (const parent of parents) parent?.removeEventListener("abort", onAbort);
  };
  return { controller, unlink };
}

/** `promise`, unless it takes longer than `ms`: then a rejection with what `error` makes. */
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

/**
 * Runs `tasks` side by side until the first of them ends, well or badly. Then the others are aborted and waited for, and
 * the first one's outcome is the result.
 */
export async function untilFirstEnds(
  tasks: readonly ((signal: AbortSignal) => Promise<void>)[],
  parent: AbortSignal,
): Promise<void> {
  const { controller, unlink } = linkedController(parent);
  const running = tasks.map((task) => task(controller.signal));
  try {
    await Promise.race(running);
  } finally {
    controller.abort();
    unlink();
    await Promise.allSettled(running);
  }
}

/** Wakes those who wait for the next change. */
export class Wakeup {
  #waiting: (() => void)[] = [];

  /** Wakes all who wait now. */
  notify(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** Resolves at the next `notify`. */
  wait(signal: AbortSignal): Promise<void> {
    return abortable((resolve) => {
      this.#waiting.push(resolve);
      return () => {
        this.#waiting = this.#waiting.filter((wake) => wake !== resolve);
      };
    }, signal);
  }
}

type Start<T> = (resolve: (value: T) => void, reject: (reason: unknown) => void) => () => void;

/** A promise that `start` settles. What `start` returns frees its resources when `signal` aborts first. */
function abortable<T>(start: Start<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const unlisten = () => signal.removeEventListener("abort", onAbort);
    const release = start(
      (value) => {
        unlisten();
        resolve(value);
      },
      (reason) => {
        unlisten();
        reject(reason);
      },
    );
    function onAbort(): void {
      release();
      reject(signal.reason);
    }
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
