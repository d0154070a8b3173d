/**
 * What is counted and reported of one call, whichever way it came in: from the decoded request to
 * the end of its answer.
 * @module
 */
import { formatAddress } from "../../net/address.ts";
import type { CallReport, ClusterMethod, ServerHooks } from "./call-report.ts";
import type { Caller } from "./caller.ts";
import { type RpcCode, type RpcStatus, rpcCodeName, rpcStatus } from "./rpc-status.ts";

/** The fields of a request that its report names. */
export interface RequestFields {
  readonly clusterId: string;
  readonly affiliateId?: string | undefined;
  readonly clientVersion?: string | undefined;
}

/** Calls the hooks for one call, and is its report. */
export class CallRecord implements CallReport {
  readonly method: ClusterMethod;
  readonly path: "fast" | "slow";
  code: RpcCode = "OK";
  error: unknown = undefined;
  messagesSent = 0;
  durationMs = 0;
  readonly #request: RequestFields;
  readonly #caller: Pick<Caller, "clientIp">;
  readonly #hooks: ServerHooks;
  readonly #startedAt: number;
  #ended = false;

  /** @param caller - Asked for its address only if a hook reads it. */
  constructor(
    path: "fast" | "slow",
    method: ClusterMethod,
    request: RequestFields,
    caller: Pick<Caller, "clientIp">,
    hooks: ServerHooks,
  ) {
    this.path = path;
    this.method = method;
    this.#request = request;
    this.#caller = caller;
    this.#hooks = hooks;
    this.#startedAt = hooks.onCallEnd === undefined ? 0 : performance.now();
    hooks.onCallStart?.(method);
  }

  get clientAddress(): string | undefined {
    const clientIp = this.#caller.clientIp();
    return clientIp && formatAddress(clientIp);
  }

  get clusterId(): string {
    return this.#request.clusterId;
  }

  get affiliateId(): string | undefined {
    return this.#request.affiliateId;
  }

  get clientVersion(): string | undefined {
    return this.#request.clientVersion;
  }

  /** Counts a message of the answer, which is being sent. */
  sent(): void {
    this.messagesSent++;
    this.#hooks.onMessageSent?.(this.method);
  }

  /** Keeps the details for the report. @returns What to tell the caller. */
  failed(error: unknown): RpcStatus {
    const status = rpcStatus(error);
    this.code = rpcCodeName(status.code);
    this.error = error;
    return status;
  }

  /** Ends the call because its caller has left or its deadline has passed. */
  abandoned(reason: unknown): void {
    if (this.#ended) return;
    this.failed(reason);
    this.end();
  }

  /** Ends the call and reports it, once. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const { onCallEnd } = this.#hooks;
    if (onCallEnd === undefined) return;
    this.durationMs = performance.now() - this.#startedAt;
    onCallEnd(this);
  }
}
