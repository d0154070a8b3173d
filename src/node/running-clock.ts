/**
 * A clock that stands still while the process does not run.
 *
 * A process that is stopped (`SIGSTOP`, a frozen container, a paused virtual machine, a debugger)
 * or has an event loop that is held up reads nobody's refresh. By a clock that goes on it would
 * then find lives to be over whose nodes have done all they could, and announce live nodes as gone,
 * before it reads what waits in its sockets. With this one a pause counts against nobody, as the
 * time that a service is down does not count against what its snapshot file keeps.
 * @module
 */
import { type ScheduleWake, scheduleTimeout } from "../async/timers.ts";

/** How often the clock makes sure that the process runs: a beat costs microseconds. */
const BEAT_MS = 250;

/** More than this since the last beat is a pause. Well over what a busy process is late. */
const LONGEST_GAP_MS = 1000;

/** What a {@link RunningClock} is made of. */
export interface RunningClockOptions {
  /** The clock underneath, in ms; must be monotonic. @default performance.now */
  readonly now?: (() => number) | undefined;
  /** @default `setTimeout`, which does not keep a Node process alive */
  readonly schedule?: ScheduleWake | undefined;
}

/** Beats from its first use until it is stopped. */
export interface RunningClock extends Disposable {
  /**
   * For `MemoryRegistryOptions.now`: ms that the process has run, from any origin. Needs no `this`.
   */
  readonly now: () => number;
  /** Ends the beats. From then on the clock goes as the one underneath, on from where it is. */
  stop(): void;
}

/**
 * Makes a clock whose pauses do not count. A pause is seen by the first `now` after it, before any
 * other work could take a life to be over.
 *
 * @example
 * using clock = createRunningClock();
 * const registry = new MemoryRegistry({ now: clock.now });
 */
export function createRunningClock(options: RunningClockOptions = {}): RunningClock {
  const { now: read = () => performance.now(), schedule = scheduleTimeout } = options;
  let last = read();
  let pausedMs = 0;
  let timer: { cancel(): void } | undefined;
  let isStopped = false;

  function now(): number {
    const instant = read();
    const gapMs = instant - last;
    last = instant;
    // Up to a beat of the gap the process may have run.
    if (timer !== undefined && gapMs > LONGEST_GAP_MS) pausedMs += gapMs - BEAT_MS;
    else if (timer === undefined && !isStopped) timer = schedule(beat, BEAT_MS);
    return instant - pausedMs;
  }
  function beat(): void {
    timer = schedule(beat, BEAT_MS);
    now();
  }
  function stop(): void {
    timer?.cancel();
    timer = undefined;
    isStopped = true;
  }
  return { now, stop, [Symbol.dispose]: stop };
}
