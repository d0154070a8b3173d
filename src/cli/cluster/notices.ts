/**
 * Notices about a cluster: registries that fail, with what to look at, and affiliates that are left
 * out.
 * @module
 */

import type { DropReport } from "../../client/index.ts";
import { MAX_OPENED_AFFILIATES } from "../../client/watcher.ts";
import { quote } from "../../net/quote.ts";
import type { NodeDropReport } from "../../sources/kubernetes/index.ts";
import { oneLine } from "../exit.ts";
import { outsideText } from "../text.ts";

/**
 * Why an affiliate does not open, in a few words. Reports of endpoints alone cost no affiliate, and
 * are not here.
 */
export const UNOPENED_REASONS = {
  affiliate_tag_mismatch: "sealed with another secret",
  affiliate_id_mismatch: "listed under another node's ID",
  affiliate_too_short: "bad data",
  affiliate_malformed: "bad data",
} as const satisfies Partial<Record<DropReport["reason"], string>>;

/**
 * Others decide how much they send wrongly: of more affiliates than are opened at once, the first
 * are forgotten.
 */
const MAX_REMEMBERED = MAX_OPENED_AFFILIATES;

/** How many are told one by one. */
const MAX_TOLD = 100;

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

/** Collects reports, and counts each affiliate once. */
export class DropSummary {
  readonly #reasons = new Map<string, string>();
  #overLimitCount = 0;
  #toldCount = 0;

  /**
   * Takes a report of `DiscoveryClient`'s `onDrop`. Bad endpoints cost no affiliate, and say
   * nothing.
   *
   * @param onNotice - Told a line about it, where it says something new. Absent: it is only
   *   counted.
   */
  add(report: DropReport, onNotice?: (line: string) => void): void {
    const line = this.#count(report);
    if (line === undefined || onNotice === undefined || this.#toldCount > MAX_TOLD) return;
    this.#toldCount++;
    onNotice(
      this.#toldCount > MAX_TOLD ? "further affiliates that are not shown are not told of" : line,
    );
  }

  /** @returns A line about it, where it says something new. */
  #count(report: DropReport): string | undefined {
    if (report.reason === "affiliates_over_limit") {
      this.#overLimitCount = report.count;
      return `the service lists ${report.count} affiliates too many, which are not shown`;
    }
    if (report.reason === "endpoint_malformed" || report.reason === "endpoints_over_limit") {
      return undefined;
    }
    const { nodeId } = report;
    const reason = UNOPENED_REASONS[report.reason];
    if (this.#reasons.get(nodeId) === reason) return undefined;
    this.#reasons.set(nodeId, reason);
    for (const oldest of this.#reasons.keys()) {
      if (this.#reasons.size <= MAX_REMEMBERED) break;
      this.#reasons.delete(oldest);
    }
    return `affiliate ${outsideText(nodeId)} is not shown: ${reason}`;
  }

  /**
   * All of them in one line, where there are any.
   *
   * @param shownCount - How many are shown.
   */
  summary(shownCount: number): string | undefined {
    const count = this.#reasons.size + this.#overLimitCount;
    if (count === 0) return undefined;
    const reasons = new Set(this.#reasons.values());
    if (this.#overLimitCount > 0) reasons.add("too many at once");
    return `${count} of ${shownCount + count} affiliates did not open: ${[...reasons].join(", ")}`;
  }
}

/** A line about what cannot be used of a Kubernetes node. */
export function describeNodeDrop(report: NodeDropReport): string {
  const nodeName = outsideText(report.nodeName);
  switch (report.reason) {
    case "annotation_malformed":
      return `node ${nodeName}: ${quote(report.item)} in the annotation ${report.annotation} is left out: it does not parse`;
    case "node_id_duplicate":
      return `node ${nodeName} is not shown: ${outsideText(report.usedNodeName)} has its node ID, ${outsideText(report.nodeId)}`;
  }
}
