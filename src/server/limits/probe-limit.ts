/**
 * How often one client may ask for what is no procedure: health, reflection, pages, unknown
 * methods.
 *
 * A bucket of its own, so that probes work while the calls of their client wait for the rate limit.
 * What is over is refused at once: a probe asks again by itself.
 * @module
 */
import { checkInteger, checkPositive } from "../../check.ts";
import { networkHigh, networkLow } from "./client-address.ts";
import { TokenTable } from "./token-table.ts";

/** What one client may: an IPv4 address, or an IPv6 network of 64 bits. */
export interface ProbeRateLimit {
  /** Requests per second in the long run. */
  readonly perSecond: number;
  /** Requests at once, after a pause. A positive integer. */
  readonly burst: number;
}

/** Enough for some load balancers behind one address, and for a person with a browser. */
export const DEFAULT_PROBE_RATE_LIMIT: ProbeRateLimit = /* @__PURE__ */ Object.freeze({
  perSecond: 10,
  burst: 50,
});

const MAX_CLIENTS = 16_384;

/** Counts requests by client. */
export class ProbeLimiter {
  readonly #now: () => number;
  readonly #tokensPerMs: number;
  readonly #table: TokenTable;

  /** @throws {RangeError} For a number out of range. */
  constructor({ perSecond, burst }: ProbeRateLimit, now: () => number = () => performance.now()) {
    checkPositive("probeRateLimit.perSecond", perSecond);
    checkInteger("probeRateLimit.burst", burst, 1);
    this.#now = now;
    this.#tokensPerMs = perSecond / 1000;
    this.#table = new TokenTable({ burst, maxClients: MAX_CLIENTS, seed: Math.random() * 2 ** 32 });
  }

  /** Whether a client has no token left. @param ip - As for {@link take}. */
  isEmpty(ip: Uint8Array | undefined): boolean {
    if (ip === undefined) return false;
    const place = this.#table.placeOf(networkHigh(ip), networkLow(ip));
    return place >= 0 && this.#table.timeToToken(place, this.#now() * this.#tokensPerMs, 0) > 0;
  }

  /**
   * Takes a token for a request.
   *
   * @param ip - 4 or 16 bytes; nobody is limited whose address is not known.
   * @returns Whether there was one.
   */
  take(ip: Uint8Array | undefined): boolean {
    if (ip === undefined) return true;
    const place = this.#table.placeOf(networkHigh(ip), networkLow(ip));
    if (place < 0) return true;
    const now = this.#now() * this.#tokensPerMs;
    if (this.#table.timeToToken(place, now, 0) > 0) return false;
    this.#table.take(place, now);
    return true;
  }
}
