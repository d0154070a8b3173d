/**
 * Finds HTTP/2 connections that nobody uses: those that never finish their greeting, those without
 * a call for long, and those whose peer does not answer any more.
 * @module
 */
import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { RefusalReason } from "../../server/rpc/refusal-reason.ts";
import type { ResolvedConnectionLimits } from "./connection-limits.ts";
import type { SocketWrites } from "./write-progress.ts";

export type SessionLimits = Pick<
  ResolvedConnectionLimits,
  "firstByteTimeoutMs" | "idleTimeoutMs" | "pingIntervalMs" | "pingTimeoutMs"
>;

/** What is known of the socket below a session. */
export interface SessionSocket {
  readonly readBytes: number;
  readonly writes: SocketWrites;
  readonly onRefused: (reason: RefusalReason) => void;
}

/**
 * What one session is used for. Pings of the peer are left out of account where it is about
 * idleness: clients send them for as long as a connection is open.
 */
export class SessionUse {
  /** How many bytes of answers the peer lets us send now, where the runtime tells. */
  readonly window = (): number | undefined =>
    this.#session.destroyed ? undefined : this.#session.state.remoteWindowSize;
  readonly #session: ServerHttp2Session;
  #streams = 0;
  #isGreeted = false;
  #isClosed = false;
  /** When the last stream has ended; `undefined` until the next look. */
  #idleSince: number | undefined;
  #readBytes = 0;
  /** When the peer was last heard of. */
  #heardAt: number;
  /** When it was asked, or was last seen to take bytes since; `undefined` if it owes no answer. */
  #askedAt: number | undefined;
  #taken = 0;
  #hasAnswered = false;
  readonly #onAnswer = (error: Error | null) => {
    if (!error) this.#hasAnswered = true;
  };

  constructor(session: ServerHttp2Session, now: number) {
    this.#session = session;
    this.#idleSince = now;
    this.#heardAt = now;
    const onStreamClose = () => {
      this.#streams--;
    };
    session.once("close", () => {
      this.#isClosed = true;
      this.#idleSince = undefined;
    });
    session.once("remoteSettings", () => {
      this.#isGreeted = true;
    });
    session.on("stream", (stream: ServerHttp2Stream) => {
      this.#isGreeted = true;
      this.#streams++;
      this.#idleSince = undefined;
      stream.once("close", onStreamClose);
    });
  }

  /** @returns Why the connection has to be closed at once. */
  look(now: number, limits: SessionLimits, socket: SessionSocket): RefusalReason | undefined {
    const { firstByteTimeoutMs, idleTimeoutMs } = limits;
    if (this.#streams > 0 && !this.#isClosed) return this.#ask(now, limits, socket);
    this.#idleSince ??= now;
    const idleMs = now - this.#idleSince;
    // A peer that does not close its side after an end would keep its place.
    if (this.#isClosed) return idleMs >= firstByteTimeoutMs ? "connection_timeout" : undefined;
    if (!this.#isGreeted) return idleMs >= firstByteTimeoutMs ? "connection_timeout" : undefined;
    if (idleMs >= idleTimeoutMs && !this.#session.closed) {
      socket.onRefused("connection_idle");
      // GOAWAY, and a call that was on its way is the client's to send again.
      this.#session.close();
      return undefined;
    }
    return this.#ask(now, limits, socket);
  }

  /** Sends a PING to a peer that has been silent for long, and waits for any sign of life. */
  #ask(
    now: number,
    { pingIntervalMs, pingTimeoutMs }: SessionLimits,
    { readBytes, writes }: SessionSocket,
  ): RefusalReason | undefined {
    // Bun does not count what it reads.
    if (readBytes !== this.#readBytes || this.#hasAnswered) {
      this.#hasAnswered = false;
      this.#readBytes = readBytes;
      this.#heard(now);
      return undefined;
    }
    if (this.#askedAt === undefined) {
      if (now - this.#heardAt < pingIntervalMs || this.#session.destroyed) return undefined;
      this.#taken = writes.taken;
      if (this.#session.ping(this.#onAnswer)) this.#askedAt = now;
      return undefined;
    }
    // The question may be behind other bytes, which a slow link takes one by one.
    if (writes.isWaiting && writes.taken !== this.#taken) this.#askedAt = now;
    this.#taken = writes.taken;
    return now - this.#askedAt >= pingTimeoutMs ? "ping_timeout" : undefined;
  }

  #heard(now: number): void {
    this.#heardAt = now;
    this.#askedAt = undefined;
  }
}
