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
const SOCKET_STALLED: StalledWrites = Object.freeze({ resets: 0, isStalled: true });

/** The exchanges of one connection. Adding and deleting run for each call. */
export class WriteProgress {
  readonly #exchanges = new Set<Exchange>();
  /** Those that had bytes waiting at the last look. */
  #stalls: Map<Exchange, Stall> | undefined;
  #hasEndedWell = false;
  #lookedAt: number;
  #socketTaken = 0;
  #socketMovedAt: number;
  #haveAllWaited = false;
  /** When all exchanges that are open were first seen to wait. */
  #allWaitSince: number;

  constructor(now: number) {
    this.#lookedAt = now;
    this.#socketMovedAt = now;
    this.#allWaitSince = now;
  }

  add(exchange: Exchange): void {
    this.#exchanges.add(exchange);
  }

  delete(exchange: Exchange): void {
    if (!this.#exchanges.delete(exchange)) return;
    this.#stalls?.delete(exchange);
    this.#hasEndedWell ||= exchange.unsentBytes === 0 || exchange.takenBytes > 0;
  }

  /** Resets exchanges whose bytes have waited for `timeoutMs` while none was taken. */
  look(now: number, socket: SocketWrites, timeoutMs: number): StalledWrites {
    const elapsed = now - this.#lookedAt;
    this.#lookedAt = now;
    if (!socket.isWaiting || socket.taken !== this.#socketTaken) this.#socketMovedAt = now;
    this.#socketTaken = socket.taken;
    if (now - this.#socketMovedAt >= timeoutMs) return SOCKET_STALLED;
    if (this.#exchanges.size === 0) {
      this.#haveAllWaited = false;
      this.#allWaitSince = now;
      return NOTHING_STALLED;
    }

    let isMoving = this.#hasEndedWell;
    this.#hasEndedWell = false;
    let late: Exchange[] | undefined;
    for (const exchange of this.#exchanges) {
      const { unsentBytes, takenBytes } = exchange;
      if (unsentBytes === 0) {
        this.#stalls?.delete(exchange);
        // Also one with nothing to send: the connection is of use to it.
        isMoving = true;
        continue;
      }
      const stall = this.#stalls?.get(exchange);
      if (stall === undefined) {
        this.#stalls ??= new Map();
        this.#stalls.set(exchange, { taken: takenBytes, since: now });
        isMoving ||= takenBytes > 0;
      } else if (stall.taken !== takenBytes) {
        stall.taken = takenBytes;
        stall.since = now;
        isMoving = true;
      } else if (socket.isWaiting) {
        // A slow link holds up everything on it, and has a limit of its own, above.
        stall.since += elapsed;
      } else if (now - stall.since >= timeoutMs) {
        late ??= [];
        late.push(exchange);
      }
    }
    if (isMoving || !this.#haveAllWaited) this.#allWaitSince = now;
    else if (socket.isWaiting) this.#allWaitSince += elapsed;
    this.#haveAllWaited = !isMoving;

    for (const exchange of late ?? []) {
      this.#exchanges.delete(exchange);
      this.#stalls?.delete(exchange);
      exchange.reset();
    }
    const resets = late?.length ?? 0;
    const isLastReset = resets > 0 && this.#exchanges.size === 0;
    const isStalled = isLastReset || now - this.#allWaitSince >= timeoutMs;
    return resets === 0 && !isStalled ? NOTHING_STALLED : { resets, isStalled };
  }
}
