/**
 * The five procedures of the service over a registry, without a word of any RPC protocol.
 *
 * Every way in (Connect's handlers, a path of its own for gRPC) calls these, so that all behave alike.
 * @see docs/protocol.md, "What the server does"
 * @module
 */
import { DiscoveryError } from "../errors.ts";
import { checkClusterId } from "../registry/limits.ts";
import type { AffiliateView, Awaitable, Registry, WatchMessage } from "../registry/registry.ts";
import { type DurationFields, ttlMsOf } from "./ttl.ts";

export interface ProceduresOptions {
  /** `host:port` at which clients shall connect instead; `Hello` passes it on. */
  readonly redirectEndpoint?: string | undefined;
  /** Whether `Hello` tells callers their IP. @default true */
  readonly reportClientIp?: boolean | undefined;
}

/** Who calls, and for how long. */
export interface Caller {
  /** Aborts when the caller has gone or its deadline is over, with what to tell it as the reason. */
  readonly signal: AbortSignal;
  /** 4 or 16 bytes. Asked only where an answer holds it. */
  readonly clientIp: () => Uint8Array | undefined;
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

/** The service. Refusals are thrown as `DiscoveryError`; `rpcStatus` says what to tell the caller. */
export interface Procedures {
  hello(request: { readonly clusterId: string }, caller: Caller): HelloAnswer;
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
  /** Ends all watches without an error, and refuses new ones: a client then goes elsewhere. */
  endWatches(): void;
}

const NO_BYTES: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

/**
 * Creates the procedures over a registry, which stays the caller's to close.
 *
 * @throws {TypeError} When `redirectEndpoint` is empty.
 */
export function createProcedures(registry: Registry, options: ProceduresOptions = {}): Procedures {
  const { redirectEndpoint, reportClientIp = true } = options;
  if (redirectEndpoint === "") throw new TypeError("redirectEndpoint: is empty");
  const watches = new Set<AbortController>();
  let ended = false;

  async function* watch(
    { clusterId }: { readonly clusterId: string },
    { signal }: Caller,
  ): AsyncGenerator<WatchMessage, void, undefined> {
    if (ended) throw new DiscoveryError("ERR_REGISTRY_CLOSED", "watches have ended");
    const end = new AbortController();
    // Not left to `finally` alone: a reader may be gone for good between two messages.
    const onAbort = () => {
      watches.delete(end);
      end.abort();
    };
    watches.add(end);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    try {
      yield* registry.watch(clusterId, { signal: end.signal });
      if (signal.aborted && !ended) throw signal.reason;
    } finally {
      watches.delete(end);
      signal.removeEventListener("abort", onAbort);
    }
  }

  return {
    hello({ clusterId }, caller) {
      checkClusterId(clusterId);
      const clientIp = reportClientIp ? caller.clientIp() : undefined;
      return { redirectEndpoint, clientIp: clientIp ?? NO_BYTES };
    },
    affiliateUpdate({ clusterId, affiliateId, affiliateData, affiliateEndpoints, ttl }, caller) {
      return registry.update(
        {
          clusterId,
          affiliateId,
          data: affiliateData,
          endpoints: affiliateEndpoints,
          ttlMs: ttlMsOf(ttl),
        },
        { signal: caller.signal },
      );
    },
    affiliateDelete({ clusterId, affiliateId }, { signal }) {
      return registry.delete(clusterId, affiliateId, { signal });
    },
    list({ clusterId }, { signal }) {
      return registry.list(clusterId, { signal });
    },
    watch,
    endWatches() {
      ended = true;
      for (const end of watches) end.abort();
    },
  };
}
