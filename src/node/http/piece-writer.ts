/**
 * Writes an answer in pieces, no faster than its reader takes them.
 *
 * One piece is on its way at a time, and the next one is made when it has been taken: so a reader
 * who stops holds one piece. How large a piece is follows from how fast the last one was taken. A
 * slow reader gets small ones, so that each byte or few that it takes can be seen as progress.
 * @module
 */

import { MAX_DELAY_MS, type ScheduleWake, scheduleTimeout } from "../../async/timers.ts";
import { EMPTY_BYTES } from "../../bytes.ts";
import type { ByteSource } from "../../server/rpc/byte-source.ts";
import type { UnsentAccount } from "./unsent-bytes.ts";

/** Most bytes of one piece. */
export const MAX_PIECE_BYTES = 32_768;

/** An answer up to this size goes at once to most readers: the list of 100 nodes. */
const MAX_WHOLE_BYTES = 65_536;

/** A piece that is taken within this time says that the reader is fast. */
const FAST_MS = 20;

/** By how much a piece may be larger than the last one. */
const GROWTH = 4;

/** Part of the write timeout that a piece shall take at most. */
const TIMEOUT_PART = 8;

/** What bytes are written to: a stream of `node:http2`, or an answer of `node:http`. */
export interface Outlet {
  readonly destroyed: boolean;
  write(bytes: Uint8Array, callback: (error?: Error | null) => void): boolean;
  end(bytes: Uint8Array, callback: (error?: Error | null) => void): unknown;
}

/** What a writer needs to know. */
export interface PieceWriterOptions {
  readonly account: UnsentAccount;
  /**
   * What the reader takes at once in any case: HTTP/2's initial window. What follows it begins with
   * a single byte.
   */
  readonly initialWindowBytes: number;
  readonly writeTimeoutMs: number;
  /** Books bytes, which the client may have so many ms from now. @default no limit */
  readonly pace?: ((bytes: number) => number) | undefined;
  /**
   * Whether memory is so short that lists and snapshots which take longer than the write timeout
   * have to end: each keeps the cluster alive as it was when the answer began.
   */
  readonly isPressed?: (() => boolean) | undefined;
  /** Ends the answer before its end. */
  readonly onGivenUp?: (() => void) | undefined;
  /** In ms from any origin, monotonic. */
  readonly now?: (() => number) | undefined;
  readonly schedule?: ScheduleWake | undefined;
}

/** Writes one answer. */
export class PieceWriter {
  readonly #outlet: Outlet;
  readonly #options: PieceWriterOptions;
  readonly #now: () => number;
  readonly #onTaken = (error?: Error | null): void => this.#taken(error);
  #source: ByteSource | undefined;
  #isPaced = false;
  #onWritten: () => void = () => {};
  #timer: ReturnType<ScheduleWake> | undefined;
  /** Bytes of the piece on its way. */
  #pieceBytes = 0;
  #writtenAt = 0;
  /** When the first of the sources began that are paced like this one. */
  #beganAt = 0;
  #takenBytes = 0;
  /** Most bytes of the next piece, once the initial window is used up. */
  #limit = 1;
  #isClosed = false;
  #endsOutlet = false;

  constructor(outlet: Outlet, options: PieceWriterOptions) {
    this.#outlet = outlet;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  get unsentBytes(): number {
    return this.#pieceBytes;
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** Whether something is being written. */
  get isWriting(): boolean {
    return this.#source !== undefined;
  }

  /**
   * Writes all of `source`. One at a time.
   *
   * @param isPaced - Whether the bytes count against those that the client may have per second.
   * @param onWritten - Called when all has been taken; not if the writer is closed before.
   */
  write(source: ByteSource, isPaced: boolean, onWritten: () => void): void {
    if (this.#isClosed) return;
    // A list may come as several sources.
    if (!isPaced || !this.#isPaced) this.#beganAt = this.#now();
    this.#source = source;
    this.#isPaced = isPaced;
    this.#onWritten = onWritten;
    this.#next();
  }

  /**
   * Writes all of `source`, and ends the outlet with its last piece.
   *
   * @param isPaced - As for {@link write}.
   */
  end(source: ByteSource, isPaced: boolean): void {
    if (source.remaining === 0) {
      this.#outlet.end(EMPTY_BYTES, () => {});
      return;
    }
    this.#endsOutlet = true;
    this.write(source, isPaced, () => {});
  }

  /** The outlet is no more. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#source = undefined;
    this.#pieceBytes = 0;
    this.#options.account.close();
  }

  #next(): void {
    const source = this.#source;
    if (source === undefined) return;
    if (source.remaining === 0) {
      this.#source = undefined;
      this.#onWritten();
      return;
    }
    if (this.#isPaced && this.#isTooSlow()) {
      this.#source = undefined;
      this.#options.onGivenUp?.();
      return;
    }
    const { pace, schedule = scheduleTimeout } = this.#options;
    const bytes = Math.min(source.remaining, this.#pieceLimit(source.remaining));
    const waitMs = this.#isPaced && pace !== undefined ? pace(bytes) : 0;
    if (waitMs === 0) this.#writePiece(bytes);
    else this.#timer = schedule(() => this.#writePiece(bytes), Math.min(waitMs, MAX_DELAY_MS));
  }

  #writePiece(bytes: number): void {
    const source = this.#source;
    if (source === undefined || this.#outlet.destroyed) return;
    const piece = source.take(bytes);
    this.#pieceBytes = piece.length;
    this.#options.account.add(piece.length);
    this.#writtenAt = this.#now();
    if (this.#endsOutlet && source.remaining === 0) this.#outlet.end(piece, this.#onTaken);
    else this.#outlet.write(piece, this.#onTaken);
  }

  #isTooSlow(): boolean {
    const { isPressed, writeTimeoutMs } = this.#options;
    return isPressed?.() === true && this.#now() - this.#beganAt > writeTimeoutMs;
  }

  /** @param bytes - That are left. */
  #pieceLimit(bytes: number): number {
    const windowBytes = this.#options.initialWindowBytes - this.#takenBytes;
    const room = this.#options.account.room();
    const limit = windowBytes > 0 ? windowBytes : this.#limit;
    const isSmall = this.#takenBytes === 0 && bytes <= Math.min(limit, MAX_WHOLE_BYTES, room);
    return isSmall ? bytes : Math.min(limit, MAX_PIECE_BYTES, room);
  }

  #taken(error: Error | null | undefined): void {
    const bytes = this.#pieceBytes;
    if (this.#isClosed || bytes === 0 || error) return;
    const { account, initialWindowBytes, writeTimeoutMs } = this.#options;
    this.#pieceBytes = 0;
    account.add(-bytes);
    if (this.#takenBytes >= initialWindowBytes) {
      const tookMs = this.#now() - this.#writtenAt;
      const larger = bytes * GROWTH;
      const inTime = Math.floor((bytes / tookMs) * (writeTimeoutMs / TIMEOUT_PART));
      this.#limit =
        tookMs < FAST_MS ? Math.max(this.#limit, larger) : Math.max(1, Math.min(larger, inTime));
    }
    this.#takenBytes += bytes;
    this.#next();
  }
}
