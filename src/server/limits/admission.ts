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
  /** Whether the client goes on with what is of no use: its connection may be closed. */
  readonly isFlood: boolean;
}

/** What is known of a request before it is read. */
export interface JudgedRequest {
  /** Other methods than `POST` never reach a procedure. @default "POST" */
  readonly method?: string | undefined;
  /** As it stands in the request. */
  readonly target: string;
  /** Empty if there is none. */
  readonly contentType: string;
  /** 4 or 16 bytes. */
  readonly clientIp: Uint8Array | undefined;
  /**
   * Whether calls of nodes take another way: then this client may be refused for the malformed calls
   * that it has sent. @default false
   */
  readonly isRare?: boolean | undefined;
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
  /** Apart from the probes, so that neither uses up the other's. */
  readonly #malformed: ProbeLimiter | undefined;

  /** @throws {RangeError} For a number out of range. */
  constructor(
    procedures: Pick<Procedures, "isFull">,
    probeRateLimit: ProbeRateLimit | false = false,
  ) {
    this.#procedures = procedures;
    const createLimiter = () =>
      probeRateLimit === false ? undefined : new ProbeLimiter(probeRateLimit);
    this.#probes = createLimiter();
    this.#malformed = createLimiter();
  }

  /**
   * Counts a request, and judges it.
   *
   * @returns `undefined` if it is taken.
   */
  judge({
    target,
    contentType,
    clientIp,
    method = "POST",
    isRare = false,
  }: JudgedRequest): Refusal | undefined {
    // The procedures have a rate limit of their own, behind which calls wait.
    const isCall = method === "POST" && PROCEDURES.has(target) && CALL_TYPE.test(contentType);
    if (isCall) {
      if (isRare && this.#malformed?.isEmpty(clientIp) === true) {
        const refused = refusal("probe_limit", "too many malformed calls", contentType);
        return { ...refused, isFlood: true };
      }
      if (!this.#procedures.isFull(clientIp)) return undefined;
      return refusal("rate_limit", "too many calls wait for the rate limit", contentType);
    }
    if (this.#probes === undefined || this.#probes.take(clientIp)) return undefined;
    return refusal("probe_limit", "too many requests", contentType);
  }

  /**
   * Counts a call that is malformed, which no rate limit of procedures sees.
   *
   * @param clientIp - As in {@link judge}.
   * @returns Whether its client may go on.
   */
  takeMalformed(clientIp: Uint8Array | undefined): boolean {
    return this.#malformed === undefined || this.#malformed.take(clientIp);
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
    return { reason, isFlood: false, page: { status: 200, headers, text: "" } };
  }
  const error = { code: "resource_exhausted", message: text };
  if (contentType.startsWith("application/connect+")) {
    const headers = { "Content-Type": contentType };
    return {
      reason,
      isFlood: false,
      page: { status: 200, headers, text: endOfConnectStream(error) },
    };
  }
  const isConnect = /^application\/(json|proto)/.test(contentType);
  const headers = {
    "Content-Type": isConnect ? "application/json" : "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Retry-After": "1",
  };
  const body = isConnect ? JSON.stringify(error) : `${text[0]?.toUpperCase()}${text.slice(1)}.\n`;
  return { reason, isFlood: false, page: { status: 429, headers, text: body } };
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
