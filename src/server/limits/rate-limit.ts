/**
 * How often one client may call: a bucket of tokens, and a line of those who wait for the next one.
 *
 * A call that finds a token costs no allocation and no promise. Memory is bounded for any number of
 * clients: the table has a fixed size, and who waits is counted.
 * @see docs/protocol.md, "What the server does"
 * @module
 */

import { type ScheduleWake, scheduleTimeout } from "../../async/timers.ts";
import { checkInteger, checkPositive } from "../../check.ts";
import { DiscoveryError } from "../../errors.ts";
import type { Caller } from "../rpc/caller.ts";
import { networkHigh, networkLow } from "./client-address.ts";
import { TokenTable } from "./token-table.ts";

/** What one client may: an IPv4 address, or an IPv6 network of 64 bits. */
export interface RateLimit {
  /** Calls per second in the long run. */
  readonly perSecond: number;
  /** Calls at once, after a pause. A positive integer. */
  readonly burst: number;
  /** Calls of one client that may wait for their turn; further ones are refused. @default 1000 */
  readonly maxWaitingPerClient?: number | undefined;
  /**
   * Calls of all clients that may wait; further ones are refused, those with a token never.
   * @default 10_000
   */
  readonly maxWaiting?: number | undefined;
  /**
   * Clients to remember, rounded up to a power of two, at 17 bytes each. A client is worth
   * remembering for as long as its bucket takes to be full again: 4 seconds at most, at 15 per
   * second and a burst of 60. @default 65_536
   */
  readonly maxClients?: number | undefined;
}

/**
 * The reference's: enough for every node of a cluster behind one address to come at once, not for a
 * flood.
 */
export const DEFAULT_RATE_LIMIT: { readonly perSecond: number; readonly burst: number } =
  /* @__PURE__ */ Object.freeze({ perSecond: 15, burst: 60 });

const DEFAULT_MAX_WAITING_PER_CLIENT = 1000;

/** Which part of the free places one client may have: sixteen that take all leave 1,500 of 10,000. */
const FREE_PART = 8;

const DEFAULT_MAX_WAITING = 10_000;
const DEFAULT_MAX_CLIENTS = 65_536;
const MAX_MAX_CLIENTS = 2 ** 24;

/** Where the limiter's time and chance come from. */
export interface RateLimiterSources {
  /** In ms from any origin, monotonic. */
  readonly now?: (() => number) | undefined;
  readonly schedule?: ScheduleWake | undefined;
  /** 0 to 1. */
  readonly random?: (() => number) | undefined;
}

interface Waiter {
  readonly go: () => void;
}

/** Those of one client who wait, in the order of arrival, with one timer for the first. */
interface Line {
  readonly waiters: Set<Waiter>;
  timer: { cancel(): void } | undefined;
}

/** Gives each caller its turn. */
export class RateLimiter {
  readonly #now: () => number;
  readonly #schedule: ScheduleWake;
  readonly #table: TokenTable;
  readonly #tokensPerMs: number;
  readonly #maxWaitingPerClient: number;
  readonly #maxWaiting: number;
  readonly #lines = new Map<number, Line>();
  #waiting = 0;
  #isOpen = false;

  /** @throws {RangeError} For a number out of range. */
  constructor(limit: RateLimit, sources: RateLimiterSources = {}) {
    const {
      now = () => performance.now(),
      schedule = scheduleTimeout,
      random = Math.random,
    } = sources;
    const { perSecond, burst } = limit;
    const { maxWaitingPerClient = DEFAULT_MAX_WAITING_PER_CLIENT } = limit;
    const { maxWaiting = DEFAULT_MAX_WAITING, maxClients = DEFAULT_MAX_CLIENTS } = limit;
    checkPositive("rateLimit.perSecond", perSecond);
    checkInteger("rateLimit.burst", burst, 1);
    checkInteger("rateLimit.maxWaitingPerClient", maxWaitingPerClient, 0);
    checkInteger("rateLimit.maxWaiting", maxWaiting, 0);
    checkInteger("rateLimit.maxClients", maxClients, 1, MAX_MAX_CLIENTS);
    this.#now = now;
    this.#schedule = schedule;
    this.#tokensPerMs = perSecond / 1000;
    this.#maxWaitingPerClient = maxWaitingPerClient;
    this.#maxWaiting = maxWaiting;
    this.#table = new TokenTable({ burst, maxClients, seed: random() * 2 ** 32 });
  }

  /** How many calls wait for their turn. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Takes a token for a call.
   *
   * @returns `undefined` where the call may go on at once, also where nobody knows who calls; else
   *   a promise that resolves when its turn has come, and rejects with the reason of the caller's
   *   signal.
   * @throws {DiscoveryError} `ERR_RATE_LIMITED` where the wait would outlast the caller's deadline,
   *   or too many wait.
   */
  take(caller: Caller): Promise<void> | undefined {
    if (this.#isOpen) return undefined;
    const ip = caller.clientIp();
    if (ip === undefined) return undefined;
    const place = this.#table.placeOf(networkHigh(ip), networkLow(ip));
    if (place < 0) return undefined;
    const now = this.#time();
    const line = this.#lines.size === 0 ? undefined : this.#lines.get(place);
    const wait = this.#table.timeToToken(place, now, line?.waiters.size ?? 0);
    if (line === undefined && wait === 0) {
      this.#table.take(place, now);
      return undefined;
    }
    const leftMs = caller.timeoutMs();
    if (leftMs !== undefined && wait / this.#tokensPerMs > leftMs) {
      throw new DiscoveryError("ERR_RATE_LIMITED", "rate limit exceeds request timeout");
    }
    if (!this.#mayQueue(line)) {
      throw new DiscoveryError("ERR_RATE_LIMITED", "too many calls wait for the rate limit");
    }
    const { signal } = caller;
    if (signal.aborted) throw signal.reason;
    return this.#queue(place, line, signal);
  }

  /**
   * Whether a call of this client would be refused whatever its deadline: for callers whose calls
   * cost much before they are refused.
   *
   * @param ip - 4 or 16 bytes.
   */
  isFull(ip: Uint8Array | undefined): boolean {
    if (this.#isOpen || ip === undefined || this.#lines.size === 0) return false;
    const place = this.#table.placeOf(networkHigh(ip), networkLow(ip));
    const line = this.#lines.get(place);
    return line !== undefined && !this.#mayQueue(line);
  }

  /** Lets all go who wait, and holds nobody up any more: for a service that ends. */
  open(): void {
    this.#isOpen = true;
    for (const [place, line] of [...this.#lines]) {
      for (const waiter of line.waiters) this.#leave(place, line, waiter).go();
    }
  }

  /** A client takes no more places than a part of those that are free: others always find some. */
  #mayQueue(line: Line | undefined): boolean {
    const waiting = line?.waiters.size ?? 0;
    const share = Math.ceil((this.#maxWaiting - this.#waiting) / FREE_PART);
    return waiting < Math.min(this.#maxWaitingPerClient, share);
  }

  #time(): number {
    return this.#now() * this.#tokensPerMs;
  }

  #queue(place: number, known: Line | undefined, signal: AbortSignal): Promise<void> {
    const line = known ?? { waiters: new Set(), timer: undefined };
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#leave(place, line, waiter);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        go: () => {
          signal.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      signal.addEventListener("abort", onAbort, { once: true });
      line.waiters.add(waiter);
      this.#waiting++;
      if (known !== undefined) return;
      this.#lines.set(place, line);
      this.#table.keep(place, true);
      this.#serve(place, line);
    });
  }

  /** Hands out the tokens that are there, and comes back for the next one. */
  #serve(place: number, line: Line): void {
    for (const waiter of line.waiters) {
      const now = this.#time();
      const wait = this.#table.timeToToken(place, now, 0);
      if (wait > 0) {
        const delayMs = Math.ceil(wait / this.#tokensPerMs);
        line.timer = this.#schedule(() => this.#serve(place, line), delayMs);
        return;
      }
      this.#table.take(place, now);
      this.#leave(place, line, waiter).go();
    }
  }

  /** Those behind move up. */
  #leave(place: number, line: Line, waiter: Waiter): Waiter {
    line.waiters.delete(waiter);
    this.#waiting--;
    if (line.waiters.size === 0) {
      line.timer?.cancel();
      this.#lines.delete(place);
      this.#table.keep(place, false);
    }
    return waiter;
  }
}
