/**
 * Waits that an `AbortSignal` ends, and that leave no listener and no timer behind.
 * @module
 */

/** Of a call that goes on until it is told to stop, or has done. */
export interface SignalOptions {
  /** Ends it. @default never */
  readonly signal?: AbortSignal | undefined;
}

/**
 * `promise`, or a rejection with `signal.reason` as soon as `signal` aborts, whatever `promise`
 * does then. For promises of one call: one that many wait for keeps something of each wait.
 */
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

/**
 * A controller that aborts with the first of `parents`. `unlink` removes its listeners again.
 *
 * Used instead of `AbortSignal.any`, which leaks with a parent that lives long: in Node 22, 24 and
 * 26 a combined signal with a listener stays in its parent for good, about 1 kB for each
 * (https://github.com/nodejs/node/issues/64476).
 */
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

/**
 * Runs `tasks` side by side until the first of them ends, well or badly. Then the others are
 * aborted and waited for, and the first one's outcome is the result.
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

/** Starts a wait: see {@link abortable}. */
export type Start<T> = (
  resolve: (value: T) => void,
  reject: (reason: unknown) => void,
) => () => void;

/**
 * A promise that `start` settles, or that rejects with `signal.reason` when `signal` aborts first.
 *
 * @param start - Returns what frees its resources; called only if `signal` aborts first.
 */
export function abortable<T>(start: Start<T>, signal: AbortSignal): Promise<T> {
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
