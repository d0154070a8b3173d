/**
 * The five procedures of the service over a registry, without a word of any RPC protocol.
 *
 * Every way in (Connect's handlers, a path of its own on streams) calls these, so that all behave
 * alike.
 * @see docs/protocol.md, "What the server does"
 * @module
 */
import { EMPTY_BYTES } from "../../bytes.ts";
import { DiscoveryError } from "../../errors.ts";
import { checkClusterId } from "../../registry/limits.ts";
import type { MemoryBudget } from "../../registry/memory-budget.ts";
import type { AffiliateView, Awaitable, Registry, WatchMessage } from "../../registry/registry.ts";
import { type AllowCluster, checkAllowed, whileAllowed } from "../limits/cluster-permission.ts";
import { type RateLimit, RateLimiter } from "../limits/rate-limit.ts";
import { type Ceilings, WatchCeiling } from "../limits/watch-ceiling.ts";
import type { Caller } from "./caller.ts";
import { LimitedWatch } from "./limited-watch.ts";

/** Options of {@link createProcedures}. */
export interface ProceduresOptions {
  /** `host:port` at which clients shall connect instead; `Hello` passes it on. */
  readonly redirectEndpoint?: string | undefined;
  /** Whether `Hello` tells callers their IP. @default true */
  readonly reportClientIp?: boolean | undefined;
  /**
   * How often one client may call; a call over it waits for its turn. Callers whose address the
   * host does not tell are not limited. The reference has `DEFAULT_RATE_LIMIT`. @default false
   */
  readonly rateLimit?: RateLimit | false | undefined;
  /** How many watches there may be. @default 50,000, and 5000 of one client */
  readonly ceilings?: Ceilings | undefined;
  /**
   * Counts what callers hold. A registry of yours needs the same one, to count the state.
   * @default nothing is counted
   */
  readonly memory?: MemoryBudget | undefined;
  /**
   * Refuses all calls of other clusters with PermissionDenied. The watch of a cluster that is
   * allowed no longer ends so at its next message, at the latest when its affiliates expire.
   * @default all clusters may
   */
  readonly allowCluster?: AllowCluster | undefined;
}

/** What `Hello` answers. */
export interface HelloAnswer {
  readonly redirectEndpoint: string | undefined;
  /** 4 or 16 bytes; empty where unknown or not reported. */
  readonly clientIp: Uint8Array;
}

/** `google.protobuf.Duration` as it stands in a message: any int64 and any int32. */
export interface DurationFields {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** The field that all requests have. */
export interface ClusterFields {
  readonly clusterId: string;
}

/** The fields of `AffiliateDeleteRequest`. */
export interface AffiliateFields {
  readonly clusterId: string;
  readonly affiliateId: string;
}

/** The fields of `AffiliateUpdateRequest`. */
export interface UpdateFields {
  readonly clusterId: string;
  readonly affiliateId: string;
  readonly affiliateData?: Uint8Array | undefined;
  readonly affiliateEndpoints: readonly Uint8Array[];
  readonly ttl?: DurationFields | undefined;
}

/**
 * The service. What need not wait is answered without a promise. Refusals are thrown as
 * `DiscoveryError`, or rejected with one; `rpcStatus` says what to tell the caller.
 */
export interface Procedures {
  hello(request: ClusterFields, caller: Caller): Awaitable<HelloAnswer>;
  affiliateUpdate(request: UpdateFields, caller: Caller): Awaitable<void>;
  affiliateDelete(request: AffiliateFields, caller: Caller): Awaitable<void>;
  list(request: ClusterFields, caller: Caller): Awaitable<readonly AffiliateView[]>;
  /**
   * Ends without an error when the registry or the service closes, else with the caller's reason.
   */
  watch(request: ClusterFields, caller: Caller): AsyncIterable<WatchMessage>;
  /**
   * Whether a call of this client would be refused at once for the calls that wait already.
   *
   * @param clientIp - 4 or 16 bytes.
   */
  isFull(clientIp: Uint8Array | undefined): boolean;
  /**
   * Counts a stream of another service that stays open as a watch.
   *
   * @returns Takes it off again.
   * @throws {DiscoveryError} `ERR_TOO_MANY_WATCHES`, `ERR_WATCH_SHARE`
   */
  holdWatch(caller: Pick<Caller, "clientIp">): () => void;
  /**
   * Ends all watches without an error, and refuses new ones: a client then goes elsewhere. Calls
   * that wait for the rate limit go on at once.
   */
  endWatches(): void;
}

/** A procedure without its checks. */
type Procedure<Subject, Answer> = (subject: Subject, caller: Caller) => Awaitable<Answer>;

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
  const watchCeiling = new WatchCeiling(options.ceilings, options.memory);
  const watches = new Set<LimitedWatch>();
  let ended = false;

  /**
   * Runs a procedure once the rate limit lets its caller in, at once if there is no wait. The limit
   * comes before every other check, so that refusals are no faster than answers.
   */
  function inTurn<Subject, Answer>(
    clusterId: string,
    run: Procedure<Subject, Answer>,
    subject: Subject,
    caller: Caller,
  ): Awaitable<Answer> {
    const turn = limiter?.take(caller);
    if (turn !== undefined) return afterTurn(turn, clusterId, run, subject, caller);
    checkAllowed(clusterId, allowCluster);
    return run(subject, caller);
  }

  /** Apart from {@link inTurn}, which then allocates nothing for a closure that it rarely needs. */
  async function afterTurn<Subject, Answer>(
    turn: Promise<void>,
    clusterId: string,
    run: Procedure<Subject, Answer>,
    subject: Subject,
    caller: Caller,
  ): Promise<Answer> {
    await turn;
    checkAllowed(clusterId, allowCluster);
    return run(subject, caller);
  }

  function hello({ clusterId }: ClusterFields, caller: Caller): HelloAnswer {
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

  function affiliateDelete(
    { clusterId, affiliateId }: AffiliateFields,
    caller: Caller,
  ): Awaitable<void> {
    return registry.delete(clusterId, affiliateId, caller);
  }

  function list({ clusterId }: ClusterFields, caller: Caller): Awaitable<readonly AffiliateView[]> {
    return registry.list(clusterId, caller);
  }

  function startWatch(clusterId: string, caller: Caller): LimitedWatch {
    let leave: (() => void) | undefined;
    function openNow(signal: AbortSignal): AsyncIterable<WatchMessage> {
      if (ended) throw new DiscoveryError("ERR_REGISTRY_CLOSED", "watches have ended");
      // A watch that has ended while it waited for its turn must not be counted.
      if (!signal.aborted) {
        leave = watchCeiling.enter(caller.clientIp());
        watches.add(watch);
      }
      const watchOptions = { signal, client: () => caller.client?.() };
      return whileAllowed(clusterId, registry.watch(clusterId, watchOptions), allowCluster);
    }
    const watch = new LimitedWatch(caller, {
      open: (signal) => inTurn(clusterId, openNow, signal, caller),
      onEnd() {
        leave?.();
        watches.delete(watch);
      },
    });
    return watch;
  }

  return {
    hello: (request, caller) => inTurn(request.clusterId, hello, request, caller),
    affiliateUpdate: (request, caller) =>
      inTurn(request.clusterId, affiliateUpdate, request, caller),
    affiliateDelete: (request, caller) =>
      inTurn(request.clusterId, affiliateDelete, request, caller),
    list: (request, caller) => inTurn(request.clusterId, list, request, caller),
    watch({ clusterId }, caller) {
      return { [Symbol.asyncIterator]: () => startWatch(clusterId, caller) };
    },
    isFull: (clientIp) => limiter?.isFull(clientIp) ?? false,
    holdWatch: (caller) => watchCeiling.enter(caller.clientIp()),
    endWatches() {
      ended = true;
      for (const watch of [...watches]) watch.end();
      limiter?.open();
    },
  };
}

/**
 * The TTL of a request, in whole ms.
 *
 * @param ttl - Absent is 0. The two fields are added up, whatever their signs and ranges, as in Go.
 * @returns Rounded away from zero, so that a nanosecond over the longest TTL is over it, and one
 *   under zero is negative.
 */
export function ttlMsOf(ttl: DurationFields | undefined): number {
  if (ttl === undefined) return 0;
  // A double holds nanoseconds near both limits; far from them only the side matters.
  const ttlMs = Number(ttl.seconds) * 1000 + ttl.nanos / 1e6;
  return ttlMs < 0 ? Math.floor(ttlMs) : Math.ceil(ttlMs);
}
