/**
 * Why a registry cannot be asked, in words that say what to look at.
 * @module
 */
import { oneLine } from "../exit.ts";

/** How often the same failure is told again while it lasts. */
const REPEAT_AFTER_MS = 60_000;

/** What libraries say of a place that is not what it should be, and what that means. */
const MEANINGS: readonly (readonly [said: RegExp, meaning: string])[] = [
  [/wrong version number|packet length too long/, "speaks no TLS: http:// instead of https://?"],
  [
    /\[internal\] (self-signed certificate|unable to (verify|get) .*certificate)/,
    "has a certificate that is not trusted here: see --ca-file",
  ],
  [/no application protocol/, "speaks no HTTP/2, which discovery services do"],
  [/Protocol error/, "speaks no HTTP/2: is this a discovery service?"],
  [
    /\[canceled\] http\/2 stream closed/,
    "closed the connection: a restart, or https:// instead of http://?",
  ],
  [
    /unsupported content type|\] HTTP \d{3}|parse binary|invalid wire type|illegal tag|missing endstream/i,
    "answers, but not as a discovery service does",
  ],
];

/** What Node.js adds for who starts it; a user has a flag for that. */
const ADVICE_OF_NODE = /; if the root CA is installed locally, .*$/;

/**
 * A failure in one line.
 *
 * @param error - With a message that begins with the place:
 *   `http://127.0.0.1:3000: [internal] Protocol error`.
 */
export function describeFailure(error: unknown): string {
  const line = oneLine(error);
  const [, place, said = ""] = /^(https?:\/\/\S+): (.*)$/.exec(line) ?? [];
  const meaning = MEANINGS.find(([pattern]) => pattern.test(said))?.[1];
  if (place === undefined || meaning === undefined) return line;
  // What OpenSSL says of itself has helped nobody yet.
  return /SSL routines/.test(said)
    ? `${place} ${meaning}`
    : `${place} ${meaning} (${said.replace(ADVICE_OF_NODE, "")})`;
}

/** Tells of failures that go on, each at once and then now and again, not with every attempt. */
export class FailureNotices {
  readonly #now: () => number;
  readonly #toldAtMs = new Map<string, number>();

  /** @param now - ms from any start. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** @returns A line, where it says something new. */
  line(error: unknown, delayMs: number): string | undefined {
    const failure = describeFailure(error);
    const nowMs = this.#now();
    for (const [told, toldAtMs] of this.#toldAtMs) {
      if (nowMs - toldAtMs >= REPEAT_AFTER_MS) this.#toldAtMs.delete(told);
    }
    if (this.#toldAtMs.has(failure)) return undefined;
    this.#toldAtMs.set(failure, nowMs);
    return `${failure}; again in ${(delayMs / 1000).toFixed(1)} s`;
  }
}
