/**
 * Whether the other end of a connection takes what is written to it.
 *
 * Progress is any byte taken, however slow the link. Something that has nothing to send makes no
 * progress and is not late.
 * @module
 */

/** One request and its answer on a connection. */
export interface Exchange {
  /** Bytes handed to the stream or socket that its reader has not taken yet. */
  readonly unsentBytes: number;
  /** Grows whenever bytes are seen to be taken. */
  readonly takenBytes: number;
  /** Ends the exchange: its reader takes nothing. */
  reset(): void;
}

/** What a socket has been given. */
export interface SocketWrites {
  /** Bytes that the system has taken. */
  readonly taken: number;
  /** Whether there are bytes that it has not. */
  readonly isWaiting: boolean;
  /**
   * How many bytes of answers the peer of an HTTP/2 connection lets us send. Only what was sent
   * makes it less, and only the peer makes it more.
   */
  readonly window?: (() => number | undefined) | undefined;
}

/** What a look has found. */
export interface StalledWrites {
  /** Exchanges that were reset. */
  readonly resets: number;
  /** Whether the connection is of no more use. */
  readonly isStalled: boolean;
}

interface Stall {
  taken: number;
  since: number;
}

const NOTHING_STALLED: StalledWrites = Object.freeze({ resets: 0, isStalled: false });
const NONE: readonly Exchange[] = Object.freeze([]);
const SOCKET_STALLED: StalledWrites = Object.freeze({ resets: 0, isStalled: true });

/** The exchanges of one connection. Adding and deleting run for each call. */
export class WriteProgress {
  readonly #exchanges = new Set<Exchange>();
  /** Those that had bytes waiting at the last look. */
  #stalls: Map<Exchange, Stall> | undefined;
  /** What has happened since the last look. */
  #hasEnded = false;
  #hasEndedWell = false;
  #lookedAt: number;
  #socketTaken = 0;
  #socketMovedAt: number;
  #window: number | undefined;
  /** When all exchanges that are open were first seen to wait. */
  #allWaitSince: number | undefined;

  constructor(now: number) {
    this.#lookedAt = now;
    this.#socketMovedAt = now;
  }

  add(exchange: Exchange): void {
    this.#exchanges.add(exchange);
  }

  delete(exchange: Exchange): void {
    if (!this.#exchanges.delete(exchange)) return;
    this.#stalls?.delete(exchange);
    this.#hasEnded = true;
    this.#hasEndedWell ||= exchange.unsentBytes === 0 || exchange.takenBytes > 0;
  }

  /** For how long the socket has had bytes waiting while none was taken. */
  socketStalledMs(now: number): number {
    return now - this.#socketMovedAt;
  }

  /** The peer was seen to take bytes that the system holds. */
  socketMoved(now: number): void {
    this.#socketMovedAt = now;
  }

  /** Resets exchanges whose bytes have waited for `timeoutMs` while none was taken. */
  look(now: number, socket: SocketWrites, timeoutMs: number): StalledWrites {
    const elapsed = now - this.#lookedAt;
    this.#lookedAt = now;
    if (!socket.isWaiting || socket.taken !== this.#socketTaken) this.#socketMovedAt = now;
    this.#socketTaken = socket.taken;
    if (now - this.#socketMovedAt >= timeoutMs) return SOCKET_STALLED;

    const waiting = this.#waiting();
    const isAlone = waiting.length === 1 && this.#exchanges.size === 1 && !this.#hasEnded;
    const hasSent = this.#usesWindow(isAlone ? socket.window?.() : undefined);
    let isMoving = hasSent || this.#hasEndedWell || waiting.length < this.#exchanges.size;
    this.#hasEnded = false;
    this.#hasEndedWell = false;
    if (waiting.length === 0) {
      this.#allWaitSince = undefined;
      return NOTHING_STALLED;
    }

    const late: Exchange[] = [];
    this.#stalls ??= new Map();
    for (const exchange of waiting) {
      const { takenBytes } = exchange;
      const stall = this.#stalls.get(exchange);
      if (stall === undefined) {
        this.#stalls.set(exchange, { taken: takenBytes, since: now });
        isMoving ||= takenBytes > 0;
      } else if (hasSent || stall.taken !== takenBytes) {
        stall.taken = takenBytes;
        stall.since = now;
        isMoving = true;
      } else if (socket.isWaiting) {
        // A slow link holds up everything on it, and has a limit of its own, above.
        stall.since += elapsed;
      } else if (now - stall.since >= timeoutMs) {
        late.push(exchange);
      }
    }
    if (isMoving) this.#allWaitSince = undefined;
    else if (this.#allWaitSince === undefined) this.#allWaitSince = now;
    else if (socket.isWaiting) this.#allWaitSince += elapsed;

    for (const exchange of late) {
      this.#exchanges.delete(exchange);
      this.#stalls.delete(exchange);
      exchange.reset();
    }
    const isLastReset = late.length > 0 && this.#exchanges.size === 0;
    const isStalled = isLastReset || now - (this.#allWaitSince ?? now) >= timeoutMs;
    return { resets: late.length, isStalled };
  }

  #waiting(): readonly Exchange[] {
    if (this.#exchanges.size === 0) return NONE;
    const waiting: Exchange[] = [];
    for (const exchange of this.#exchanges) {
      if (exchange.unsentBytes > 0) waiting.push(exchange);
      else this.#stalls?.delete(exchange);
    }
    return waiting;
  }

  /**
   * Whether a connection whose only exchange waits has sent a part of it. `takenBytes` grows by
   * whole writes, for each of which a slow reader may need minutes.
   */
  #usesWindow(window: number | undefined): boolean {
    const last = this.#window;
    this.#window = window;
    return last !== undefined && window !== undefined && window < last;
  }
}
