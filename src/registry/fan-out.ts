/**
 * Tells watchers of changes, some in each turn of the event loop, so that other work goes on while
 * thousands are told.
 * @module
 */
import type { ScheduleWake } from "../async/timers.ts";

/** What has watchers to tell. */
export interface Teller {
  /**
   * Tells up to `most` watchers, and takes a turn for each.
   *
   * @returns Whether some are left.
   */
  tellSome(most: number): boolean;
}

/** Watchers to tell before other work has its turn: about 5 ms with what it takes to write. */
const WATCHERS_PER_TURN = 500;

/** Watchers of one cluster to tell before those of the next one. */
const WATCHERS_PER_CLUSTER = 100;

/** Gives the clusters of one registry their turns. */
export class FanOut {
  readonly #schedule: ScheduleWake;
  /** In the order of their turns. */
  readonly #tellers = new Set<Teller>();
  #turnsLeft = WATCHERS_PER_TURN;
  #isQueued = false;
  #timer: { cancel(): void } | undefined;

  constructor(schedule: ScheduleWake) {
    this.#schedule = schedule;
  }

  /** Whether one more watcher may be told now. */
  get hasTurn(): boolean {
    return this.#turnsLeft > 0;
  }

  /** Counts a watcher that is told. */
  takeTurn(): void {
    this.#turnsLeft -= 1;
    if (this.#turnsLeft <= 0) this.#rest();
  }

  /** Has `teller` tell its watchers at the end of the turn, or as soon as others had theirs. */
  request(teller: Teller): void {
    this.#tellers.add(teller);
    if (this.#isQueued || this.#timer !== undefined) return;
    this.#isQueued = true;
    queueMicrotask(() => this.#run());
  }

  /** Forgets who has something to tell. */
  clear(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#turnsLeft = WATCHERS_PER_TURN;
    this.#tellers.clear();
  }

  #rest(): void {
    this.#timer ??= this.#schedule(() => {
      this.#timer = undefined;
      this.#turnsLeft = WATCHERS_PER_TURN;
      this.#run();
    }, 0);
  }

  #run(): void {
    this.#isQueued = false;
    for (const teller of this.#tellers) {
      if (this.#turnsLeft <= 0) return;
      this.#tellers.delete(teller);
      const most = Math.min(this.#turnsLeft, WATCHERS_PER_CLUSTER);
      // At the end of the set, which this loop comes to.
      if (teller.tellSome(most)) this.#tellers.add(teller);
    }
  }
}
