/**
 * One timer for everything in a registry that will expire.
 * @module
 */
import { MAX_DELAY_MS, type ScheduleWake } from "../async/timers.ts";

/**
 * Expiries this close together share a wake-up; also how late one may be announced. Talos wants a
 * second at most.
 */
const WAKE_GRAIN_MS = 100;

/** What a {@link WakeTimer} works with. */
export interface WakeTimerOptions {
  readonly now: () => number;
  readonly schedule: ScheduleWake;
  /** Asks for the next wake-up itself. */
  readonly onWake: () => void;
  /** Told of the instant, and takes the place of `schedule` and `onWake`. */
  readonly wakeAt?: ((instant: number | undefined) => void) | undefined;
}

/** Wakes at the earliest instant that was asked for. */
export class WakeTimer {
  readonly #options: WakeTimerOptions;
  #instant: number | undefined;
  #timer: { cancel(): void } | undefined;

  constructor(options: WakeTimerOptions) {
    this.#options = options;
  }

  /** Sees to it that there is a wake-up when `dueAt` has come, at most the grain later. */
  atLatest(dueAt: number): void {
    const instant = endOfGrain(dueAt);
    if (this.#instant === undefined || instant < this.#instant) this.#schedule(instant);
  }

  /** As `atLatest`, and takes back an earlier instant, which has passed or has lost its reason. */
  set(dueAt: number): void {
    const instant = endOfGrain(dueAt);
    if (instant === Number.POSITIVE_INFINITY) this.clear();
    else if (instant !== this.#instant) this.#schedule(instant);
  }

  /** Takes back what was asked for. */
  clear(): void {
    if (this.#instant === undefined) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#instant = undefined;
    this.#options.wakeAt?.(undefined);
  }

  #schedule(instant: number): void {
    this.#timer?.cancel();
    this.#instant = instant;
    const { now, schedule, onWake, wakeAt } = this.#options;
    if (wakeAt !== undefined) {
      wakeAt(instant);
      return;
    }
    const delayMs = Math.min(Math.max(Math.ceil(instant - now()), 0), MAX_DELAY_MS);
    this.#timer = schedule(() => {
      this.#timer = undefined;
      this.#instant = undefined;
      onWake();
    }, delayMs);
  }
}

/**
 * Absolute, so that a stream of requests cannot push the wake-up off as it could a delay from now.
 */
function endOfGrain(instant: number): number {
  return Math.ceil(instant / WAKE_GRAIN_MS) * WAKE_GRAIN_MS;
}
