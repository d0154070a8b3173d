/**
 * Closes HTTP/2 connections that nobody uses: those that never finish their greeting, and those
 * without a call for long.
 * @module
 */
import type { Http2Server, ServerHttp2Session, ServerHttp2Stream } from "node:http2";

export interface IdleSessionsOptions {
  /** How long the greeting may take: RFC 9113 section 3.4, the preface and settings. */
  readonly greetingTimeoutMs: number;
  /** How long a connection may stay without a stream. */
  readonly idleTimeoutMs: number;
  readonly onGreetingTimeout: () => void;
  readonly onIdle: () => void;
}

interface SessionUse {
  streams: number;
  isGreeted: boolean;
  /** When the last stream has ended. */
  idleSince: number;
}

/** How late a connection may be closed, as a part of the shorter time. */
const LOOKS_PER_TIMEOUT = 4;
const MAX_LOOK_INTERVAL_MS = 5000;

/**
 * Follows all connections of a server, with one timer for all. Pings are left out of account:
 * clients send them for as long as a connection is open.
 *
 * @returns Stops looking.
 */
export function closeIdleSessions(http2: Http2Server, options: IdleSessionsOptions): () => void {
  const { greetingTimeoutMs, idleTimeoutMs, onGreetingTimeout, onIdle } = options;
  const sessions = new Map<ServerHttp2Session, SessionUse>();

  http2.on("session", (session) => {
    const use: SessionUse = { streams: 0, isGreeted: false, idleSince: performance.now() };
    const onStreamClose = () => {
      use.streams--;
      if (use.streams === 0) use.idleSince = performance.now();
    };
    sessions.set(session, use);
    session.once("close", () => sessions.delete(session));
    session.once("remoteSettings", () => {
      use.isGreeted = true;
    });
    session.on("stream", (stream: ServerHttp2Stream) => {
      use.isGreeted = true;
      use.streams++;
      stream.once("close", onStreamClose);
    });
  });

  function look(): void {
    const now = performance.now();
    for (const [session, { streams, isGreeted, idleSince }] of sessions) {
      if (streams > 0) continue;
      if (!isGreeted && now - idleSince >= greetingTimeoutMs) {
        sessions.delete(session);
        onGreetingTimeout();
        session.destroy();
      } else if (isGreeted && now - idleSince >= idleTimeoutMs) {
        sessions.delete(session);
        onIdle();
        // GOAWAY, and a call that was on its way is the client's to send again.
        session.close();
      }
    }
  }

  const shortest = Math.min(greetingTimeoutMs, idleTimeoutMs);
  const intervalMs = Math.min(Math.ceil(shortest / LOOKS_PER_TIMEOUT), MAX_LOOK_INTERVAL_MS);
  const timer = setInterval(look, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
