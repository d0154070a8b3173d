/**
 * Requests that are refused before anything of them is read: those of clients that have asked for
 * too much already.
 * @module
 */
import { Cluster } from "../../protocol/gen/sidero/discovery/server/cluster_pb.ts";
import type { PlainPage } from "../pages/plain-page.ts";
import type { Procedures } from "../rpc/procedures.ts";
import type { RefusalReason } from "../rpc/refusal-reason.ts";
import { ProbeLimiter, type ProbeRateLimit } from "./probe-limit.ts";

/** Why a request is refused, and what to answer. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly page: PlainPage;
}

const CLUSTER_PREFIX = `/${Cluster.typeName}/`;

/** `ResourceExhausted` */
const RESOURCE_EXHAUSTED = "8";

/** Judges requests of every port of one service. */
export class Admission {
  readonly #procedures: Pick<Procedures, "isFull">;
  readonly #probes: ProbeLimiter | undefined;

  /** @throws {RangeError} For a number out of range. */
  constructor(
    procedures: Pick<Procedures, "isFull">,
    probeRateLimit: ProbeRateLimit | false = false,
  ) {
    this.#procedures = procedures;
    this.#probes = probeRateLimit === false ? undefined : new ProbeLimiter(probeRateLimit);
  }

  /**
   * Counts a request, and judges it.
   *
   * @param target - As it stands in the request.
   * @param contentType - Empty if there is none.
   * @param clientIp - 4 or 16 bytes.
   * @returns `undefined` if it is taken.
   */
  judge(
    target: string,
    contentType: string,
    clientIp: Uint8Array | undefined,
  ): Refusal | undefined {
    // The procedures have a rate limit of their own, behind which calls wait.
    const isCall = target.startsWith(CLUSTER_PREFIX) && contentType.startsWith("application/");
    if (isCall) {
      if (!this.#procedures.isFull(clientIp)) return undefined;
      return refusal("rate_limit", "too many calls wait for the rate limit", contentType);
    }
    if (this.#probes === undefined || this.#probes.take(clientIp)) return undefined;
    return refusal("probe_limit", "too many requests", contentType);
  }
}

/** A refusal in the words of the caller's protocol. */
export function refusal(reason: RefusalReason, text: string, contentType: string): Refusal {
  if (contentType.startsWith("application/grpc")) {
    const headers = {
      "Content-Type": contentType,
      "grpc-status": RESOURCE_EXHAUSTED,
      "grpc-message": encodeURIComponent(text),
    };
    return { reason, page: { status: 200, headers, text: "" } };
  }
  const isConnect = /^application\/(json|proto|connect\+)/.test(contentType);
  const headers = {
    "Content-Type": isConnect ? "application/json" : "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Retry-After": "1",
  };
  const body = isConnect
    ? JSON.stringify({ code: "resource_exhausted", message: text })
    : `${text[0]?.toUpperCase()}${text.slice(1)}.\n`;
  return { reason, page: { status: 429, headers, text: body } };
}
