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

/** Paths of the procedures. Other forms of them are not worth a rule. */
const PROCEDURES: ReadonlySet<string> = /* @__PURE__ */ new Set(
  Cluster.methods.map(({ name }) => `/${Cluster.typeName}/${name}`),
);

/** What a call of a procedure has; all else is answered without one. */
const CALL_TYPE = /^application\/(grpc|grpc-web|grpc-web-text|proto|json|connect)(\+[a-z]+)?(;|$)/;

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
   * @param method - Other methods than this one never reach a procedure.
   * @returns `undefined` if it is taken.
   */
  judge(
    target: string,
    contentType: string,
    clientIp: Uint8Array | undefined,
    method = "POST",
  ): Refusal | undefined {
    // The procedures have a rate limit of their own, behind which calls wait.
    const isCall = method === "POST" && PROCEDURES.has(target) && CALL_TYPE.test(contentType);
    if (isCall) {
      if (!this.#procedures.isFull(clientIp)) return undefined;
      return refusal("rate_limit", "too many calls wait for the rate limit", contentType);
    }
    if (this.#probes === undefined || this.#probes.take(clientIp)) return undefined;
    return refusal("probe_limit", "too many requests", contentType);
  }

  /**
   * Counts a call that is malformed, which no rate limit of procedures sees, as a probe.
   *
   * @param clientIp - As in {@link judge}.
   * @returns Whether its client may go on.
   */
  takeMalformed(clientIp: Uint8Array | undefined): boolean {
    return this.#probes === undefined || this.#probes.take(clientIp);
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
  const error = { code: "resource_exhausted", message: text };
  if (contentType.startsWith("application/connect+")) {
    const headers = { "Content-Type": contentType };
    return { reason, page: { status: 200, headers, text: endOfConnectStream(error) } };
  }
  const isConnect = /^application\/(json|proto)/.test(contentType);
  const headers = {
    "Content-Type": isConnect ? "application/json" : "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Retry-After": "1",
  };
  const body = isConnect ? JSON.stringify(error) : `${text[0]?.toUpperCase()}${text.slice(1)}.\n`;
  return { reason, page: { status: 429, headers, text: body } };
}

/**
 * The last message of a stream.
 * @see https://connectrpc.com/docs/protocol, "Streaming-Response"
 */
function endOfConnectStream(error: { readonly code: string; readonly message: string }): string {
  const json = JSON.stringify({ error });
  // Five bytes of an envelope, all of them ASCII: our texts are short.
  return `\u0002\0\0\0${String.fromCharCode(json.length)}${json}`;
}
