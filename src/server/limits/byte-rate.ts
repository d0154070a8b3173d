/**
 * How many bytes of lists and snapshots one client gets per second: a bucket of bytes that paces
 * what is written, and refuses nothing.
 * @module
 */
import { checkInteger, checkPositive } from "../../check.ts";
import { networkHigh, networkLow } from "./client-address.ts";
import { TokenTable } from "./token-table.ts";

/** What one client gets: an IPv4 address, or an IPv6 network of 64 bits. */
export interface ByteRate {
  /** Bytes per second in the long run. */
  readonly perSecond: number;
  /** Bytes at once, after a pause. A positive integer. */
  readonly burst: number;
}

/** More than a link of 100 Mbit/s carries, and the lists of some clusters at once. */
export const DEFAULT_BYTE_RATE: ByteRate = /* @__PURE__ */ Object.freeze({
  perSecond: 16_000_000,
  burst: 64_000_000,
});

/** A bucket that is not full after 4 s is rare; so many clients are remembered. */
const MAX_CLIENTS = 16_384;

/** Counts bytes by client. */
export class BytePacer {
  readonly #now: () => number;
  readonly #bytesPerMs: number;
  readonly #table: TokenTable;

  /** @throws {RangeError} For a number out of range. */
  constructor({ perSecond, burst }: ByteRate, now: () => number = () => performance.now()) {
    checkPositive("byteRate.perSecond", perSecond);
    checkInteger("byteRate.burst", burst, 1);
    this.#now = now;
    this.#bytesPerMs = perSecond / 1000;
    this.#table = new TokenTable({ burst, maxClients: MAX_CLIENTS, seed: Math.random() * 2 ** 32 });
  }

  /**
   * Takes bytes for a client, which may have them at once or later. Who waits asks no second time:
   * thousands of answers that try again and again would cost more than what they send.
   *
   * @param ip - 4 or 16 bytes.
   * @param bytes - More than a burst only takes longer.
   * @returns In how many ms they may be written; 0 is now.
   */
  book(ip: Uint8Array, bytes: number): number {
    const place = this.#table.placeOf(networkHigh(ip), networkLow(ip));
    if (place < 0) return 0;
    const now = this.#now() * this.#bytesPerMs;
    const wait = this.#table.timeToToken(place, now, bytes - 1);
    this.#table.take(place, now, bytes);
    return Math.ceil(wait / this.#bytesPerMs);
  }
}
