/**
 * One call, whichever way it came, from its decoded request to its report.
 * @module
 */
import { formatAddress } from "../../net/address.ts";
import type { CallReport, ClusterMethod, ServerHooks } from "./call-report.ts";
import type { Caller } from "./caller.ts";
import { type RpcCode, type RpcStatus, rpcCodeName, rpcStatus } from "./rpc-status.ts";

/** What reports tell of a request. */
export interface RequestFields {
  readonly clusterId: string;
  readonly affiliateId?: string | undefined;
  readonly clientVersion?: string | undefined;
}

/** Tells the hooks of a call, and is its report. */
export class Call implements CallReport {
  readonly method: ClusterMethod;
  readonly path: "fast" | "slow";
  readonly caller: Caller;
  code: RpcCode = "OK";
  error: unknown = undefined;
  messagesSent = 0;
  durationMs = 0;
  readonly #request: RequestFields;
  readonly #hooks: ServerHooks;
  readonly #startedAt: number;
  #ended = false;

  constructor(
    path: "fast" | "slow",
    method: ClusterMethod,
    request: RequestFields,
    caller: Caller,
    hooks: ServerHooks,
  ) {
    this.path = path;
    this.method = method;
    this.caller = caller;
    this.#request = request;
    this.#hooks = hooks;
    this.#startedAt = hooks.onCallEnd === undefined ? 0 : performance.now();
    hooks.onCallStart?.(method);
  }

  get clientAddress(): string | undefined {
    const clientIp = this.caller.clientIp();
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

  /** A message of the answer goes out. */
  sent(): void {
    this.messagesSent++;
    this.#hooks.onMessageSent?.(this.method);
  }

  /** Keeps the details for the report; what is returned is for the caller. */
  failed(error: unknown): RpcStatus {
    const status = rpcStatus(error);
    this.code = rpcCodeName(status.code);
    this.error = error;
    return status;
  }

  /** The caller is gone, or its deadline is over, for this reason. */
  abandoned(reason: unknown): void {
    if (this.#ended) return;
    this.failed(reason);
    this.end();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const { onCallEnd } = this.#hooks;
    if (onCallEnd === undefined) return;
    this.durationMs = performance.now() - this.#startedAt;
    onCallEnd(this);
  }
}
