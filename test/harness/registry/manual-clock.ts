/**
 * Time that moves when told to.
 * @module
 */

export interface ManualClock {
  readonly now: () => number;
  readonly schedule: (callback: () => void, delayMs: number) => { cancel(): void };
  /** Timers that have not fired. */
  readonly pending: number;
  /** Moves time, firing each timer at its instant and letting its watchers run. */
  advance(ms: number): Promise<void>;
  /** Moves time before any timer can fire. */
  jump(ms: number): void;
}

export function createManualClock(start = 1_000): ManualClock {
  let time = start;
  const timers = new Set<{ at: number; callback: () => void }>();
  return {
    now: () => time,
    schedule(callback, delayMs) {
      const timer = { at: time + delayMs, callback };
      timers.add(timer);
      return { cancel: () => timers.delete(timer) };
    },
    get pending() {
      return timers.size;
    },
    async advance(ms) {
      const until = time + ms;
      for (;;) {
        const [next] = [...timers].sort((a, b) => a.at - b.at);
        if (next === undefined || next.at > until) break;
        timers.delete(next);
        time = Math.max(time, next.at);
        next.callback();
        await settled();
      }
      time = until;
      await settled();
    },
    jump(ms) {
      time += ms;
    },
  };
}

/** Resolves when all that the current turn has set off among promises is done. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
