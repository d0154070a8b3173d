/**
 * The five procedures of the service over a registry, without a word of any RPC protocol.
 *
 * Every way in (Connect's handlers, a path of its own for gRPC) calls these, so that all behave alike.
 * @see docs/protocol.md, "What the server does"
 * @module
 */
import { EMPTY_BYTES } from "../../bytes.ts";
import { DiscoveryError } from "../../errors.ts";
import { checkClusterId } from "../../registry/limits.ts";
import type { AffiliateView, Awaitable, Registry, WatchMessage } from "../../registry/registry.ts";
import { type AllowCluster, checkAllowed, whileAllowed } from "../limits/cluster-permission.ts";
import { type RateLimit, RateLimiter } from "../limits/rate-limit.ts";
import { type Ceilings, WatchCeiling } from "../limits/watch-ceiling.ts";
import { CallerWatch } from "./caller-watch.ts";
import { type DurationFields, ttlMsOf } from "./ttl.ts";

export interface ProceduresOptions {
  /** `host:port` at which clients shall connect instead; `Hello` passes it on. */
  readonly redirectEndpoint?: string | undefined;
  /** Whether `Hello` tells callers their IP. @default true */
  readonly reportClientIp?: boolean | undefined;
  /**
   * How often one client may call; a call over it waits for its turn. Callers whose address the host does not tell are not
   * limited. The reference has `DEFAULT_RATE_LIMIT`. @default false
   */
  readonly rateLimit?: RateLimit | false | undefined;
  /** How many watches there may be. @default 50,000, and 5000 of one client */
  readonly ceilings?: Ceilings | undefined;
  /**
   * Refuses all calls of other clusters with PermissionDenied. The watch of a cluster that is allowed no longer ends so at
   * its next message, at the latest when its affiliates expire. @default all clusters may
   */
  readonly allowCluster?: AllowCluster | undefined;
}

/** Who calls, and for how long. */
export interface Caller {
  /**
   * Aborts when the caller has gone or its deadline is over, with what to tell it as the reason. May be made when it is
   * first asked for, which costs as much as a short call: ask only where there is something to wait for.
   */
  readonly signal: AbortSignal;
  /** 4 or 16 bytes. May look at headers. */
  clientIp(): Uint8Array | undefined;
  /** What is left of the caller's deadline; not positive once it is over, absent where it has none. */
  timeoutMs(): number | undefined;
}

export interface HelloAnswer {
  readonly redirectEndpoint: string | undefined;
  /** 4 or 16 bytes; empty where unknown or not reported. */
  readonly clientIp: Uint8Array;
}

export interface UpdateFields {
  readonly clusterId: string;
  readonly affiliateId: string;
  readonly affiliateData?: Uint8Array | undefined;
  readonly affiliateEndpoints: readonly Uint8Array[];
  readonly ttl?: DurationFields | undefined;
}

/**
 * The service. What need not wait is answered without a promise. Refusals are thrown as `DiscoveryError`, or rejected with
 * one; `rpcStatus` says what to tell the caller.
 */
export interface Procedures {
  hello(request: { readonly clusterId: string }, caller: Caller): Awaitable<HelloAnswer>;
  affiliateUpdate(request: UpdateFields, caller: Caller): Awaitable<void>;
  affiliateDelete(
    request: { readonly clusterId: string; readonly affiliateId: string },
    caller: Caller,
  ): Awaitable<void>;
  list(
    request: { readonly clusterId: string },
    caller: Caller,
  ): Awaitable<readonly AffiliateView[]>;
  /** Ends without an error when the registry or the service closes, else with the caller's reason. */
  watch(request: { readonly clusterId: string }, caller: Caller): AsyncIterable<WatchMessage>;
  /**
   * Ends all watches without an error, and refuses new ones: a client then goes elsewhere. Calls that wait for the rate
   * limit go on at once.
   */
  endWatches(): void;
}

/**
 * Creates the procedures over a registry, which stays the caller's to close.
 *
 * @throws {TypeError} When `redirectEndpoint` is empty.
 * @throws {RangeError} For a number of `rateLimit` or `ceilings` out of range.
 */
export function createProcedures(registry: Registry, options: ProceduresOptions = {}): Procedures {
  const { redirectEndpoint, reportClientIp = true, rateLimit = false, allowCluster } = options;
  if (redirectEndpoint === "") throw new TypeError("redirectEndpoint: is empty");
  const limiter = rateLimit === false ? undefined : new RateLimiter(rateLimit);
  const watchCeiling = new WatchCeiling(options.ceilings);
  const watches = new Set<CallerWatch>();
  let ended = false;

  /** Waits for the caller's turn before anything else: strangers shall not be refused faster than others are served. */
  function enter(clusterId: string, caller: Caller): Promise<void> | undefined {
    const turn = limiter?.take(caller);
    if (turn !== undefined) return turn.then(() => checkAllowed(clusterId, allowCluster));
    checkAllowed(clusterId, allowCluster);
    return undefined;
  }

  function hello({ clusterId }: { readonly clusterId: string }, caller: Caller): HelloAnswer {
    checkClusterId(clusterId);
    const clientIp = reportClientIp ? caller.clientIp() : undefined;
    return { redirectEndpoint, clientIp: clientIp ?? EMPTY_BYTES };
  }

  function affiliateUpdate(request: UpdateFields, caller: Caller): Awaitable<void> {
    const { clusterId, affiliateId, affiliateData, affiliateEndpoints, ttl } = request;
    return registry.update(
      {
        clusterId,
        affiliateId,
        data: affiliateData,
        endpoints: affiliateEndpoints,
        ttlMs: ttlMsOf(ttl),
      },
      caller,
    );
  }

  function startWatch(clusterId: string, caller: Caller): CallerWatch {
    let leave: (() => void) | undefined;
    function open(signal: AbortSignal): AsyncIterable<WatchMessage> {
      if (ended) throw new DiscoveryError("ERR_REGISTRY_CLOSED", "watches have ended");
      // It may have ended while it waited for its turn, and would then be counted for ever.
      if (!signal.aborted) {
        leave = watchCeiling.enter(caller.clientIp());
        watches.add(watch);
      }
      return whileAllowed(clusterId, registry.watch(clusterId, { signal }), allowCluster);
    }
    const watch = new CallerWatch(caller, {
      open(signal) {
        const turn = enter(clusterId, caller);
        return turn === undefined ? open(signal) : turn.then(() => open(signal));
      },
      onEnd() {
        leave?.();
        watches.delete(watch);
      },
    });
    return watch;
  }

  return {
    hello(request, caller) {
      const turn = enter(request.clusterId, caller);
      return turn === undefined ? hello(request, caller) : turn.then(() => hello(request, caller));
    },
    affiliateUpdate(request, caller) {
      const turn = enter(request.clusterId, caller);
      if (turn === undefined) return affiliateUpdate(request, caller);
      return turn.then(() => affiliateUpdate(request, caller));
    },
    affiliateDelete({ clusterId, affiliateId }, caller) {
      const turn = enter(clusterId, caller);
      if (turn === undefined) return registry.delete(clusterId, affiliateId, caller);
      return turn.then(() => registry.delete(clusterId, affiliateId, caller));
    },
    list({ clusterId }, caller) {
      const turn = enter(clusterId, caller);
      if (turn === undefined) return registry.list(clusterId, caller);
      return turn.then(() => registry.list(clusterId, caller));
    },
    watch({ clusterId }, caller) {
      return { [Symbol.asyncIterator]: () => startWatch(clusterId, caller) };
    },
    endWatches() {
      ended = true;
      for (const watch of [...watches]) watch.end();
      limiter?.open();
    },
  };
}
