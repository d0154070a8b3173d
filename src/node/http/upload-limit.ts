/**
 * Limits the bytes that one client sends. This also stops floods that never become a request, such
 * as headers that HTTP/2 unpacks and throws away.
 * @module
 */
import { BytePacer, type ByteRate } from "../../server/limits/byte-rate.ts";
import type { RateLimit } from "../../server/limits/rate-limit.ts";

/** How often the bytes that connections have sent are looked at. */
const LOOK_INTERVAL_MS = 250;

/** How often a timer runs. If it is late, the event loop was busy, and the bytes are looked at. */
const TICK_MS = 25;
const LATE_MS = 25;

/** A connection that sends less between two looks is not counted: calls of nodes are smaller. */
const QUIET_BYTES = 4096;

/**
 * Bytes that are counted for a connection that is closed for a flood, in addition to what it has
 * sent. New connections cost the service more than their bytes.
 */
const FLOOD_BYTES = 262_144;

/** What is known of a connection. */
export interface UploadingConnection {
  /** IP of the peer, 4 or 16 bytes. Those of an unknown one are not counted. */
  readonly ip: Uint8Array | undefined;
  /** Bytes that it has sent so far. */
  readonly readBytes: number;
}

/** Counts what connections send, by client. */
export class UploadLimit<Item extends UploadingConnection> {
  readonly #pacer: BytePacer;
  readonly #now: () => number;
  readonly #onOver: (connection: Item) => void;
  /** Bytes at the last look. */
  readonly #seen = new Map<Item, number>();
  #timer: NodeJS.Timeout | undefined;
  #tickedAt = 0;
  #lookedAt = 0;

  /**
   * @param onOver - Told of each connection that has sent more than its client may; closes it.
   * @param now - Current time in ms.
   */
  constructor(
    rate: ByteRate,
    onOver: (connection: Item) => void,
    now: () => number = performanceNow,
  ) {
    this.#pacer = new BytePacer(rate, now);
    this.#now = now;
    this.#onOver = onOver;
  }

  /** Whether a client has sent more than it may, and takes no new connections for the moment. */
  isOver({ ip }: UploadingConnection): boolean {
    return ip !== undefined && this.#pacer.book(ip, 1) > 0;
  }

  /** Counts a connection that is closed for what it has sent. */
  flooded({ ip }: UploadingConnection): void {
    if (ip !== undefined) this.#pacer.book(ip, FLOOD_BYTES);
  }

  add(connection: Item): void {
    if (connection.ip === undefined) return;
    this.#seen.set(connection, connection.readBytes);
    if (this.#timer !== undefined) return;
    this.#tickedAt = this.#now();
    this.#lookedAt = this.#tickedAt;
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  /** Removes a connection, and counts what it has sent since the last look. */
  delete(connection: Item): void {
    this.#count(connection, false);
    this.#seen.delete(connection);
    if (this.#seen.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const now = this.#now();
    const isLate = now - this.#tickedAt >= TICK_MS + LATE_MS;
    const isDue = now - this.#lookedAt >= LOOK_INTERVAL_MS;
    this.#tickedAt = now;
    if (isDue) this.#lookedAt = now;
    else if (!isLate) return;
    for (const connection of this.#seen.keys()) {
      if (this.#count(connection, isDue)) this.#onOver(connection);
    }
    // Else a look at very many connections would make the next tick late, and so on for ever.
    this.#tickedAt = this.#now();
  }

  /**
   * @param isDue - Whether few bytes are forgotten.
   * @returns Whether it has sent more than its client may.
   */
  #count(connection: Item, isDue: boolean): boolean {
    const { ip, readBytes } = connection;
    const seen = this.#seen.get(connection);
    if (seen === undefined || ip === undefined || readBytes === seen) return false;
    const sent = readBytes - seen;
    const isLoud = sent > QUIET_BYTES;
    if (isLoud || isDue) this.#seen.set(connection, readBytes);
    return isLoud && this.#pacer.book(ip, sent) > 0;
  }
}

function performanceNow(): number {
  return performance.now();
}

/** One part is for calls, one for handshakes, and one for calls that are refused. */
const UPLOADS_PER_CALL = 3;

/** Three times what a client's calls take if all are of the largest size. */
export function defaultUploadRate(
  rateLimit: RateLimit | false = false,
  { maxRequestBytes, maxHeaderBytes }: LargestCall,
): ByteRate | false {
  if (rateLimit === false) return false;
  const bytes = UPLOADS_PER_CALL * (maxRequestBytes + maxHeaderBytes);
  return { perSecond: rateLimit.perSecond * bytes, burst: rateLimit.burst * bytes };
}

interface LargestCall {
  readonly maxRequestBytes: number;
  readonly maxHeaderBytes: number;
}
