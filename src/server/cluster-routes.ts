/**
 * The service as Connect routes: gRPC, gRPC-Web and Connect over one set of procedures.
 * @module
 */
import {
  ConnectError,
  type ConnectRouter,
  type ContextKey,
  createContextKey,
  type HandlerContext,
} from "@connectrpc/connect";
import { formatAddress } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
import { Cluster } from "../protocol/gen/sidero/discovery/server/cluster_pb.ts";
import type { CallReport, ClusterMethod, ServerHooks } from "./call-report.ts";
import { clientAddress } from "./client-address.ts";
import type { Caller, Procedures } from "./procedures.ts";
import { type RpcCode, rpcCodeName, rpcStatus } from "./rpc-status.ts";
import { type Codec, listResponse, watchResponses } from "./wire-messages.ts";

export interface ClusterRoutesOptions {
  /** Connections from here may name their caller in a header. @default none */
  readonly trustedProxies?: readonly Prefix[] | undefined;
  readonly hooks?: ServerHooks | undefined;
}

/** The IP at the other end of the connection, as text; set by whoever holds the connection. */
export const peerAddressKey: ContextKey<string | undefined> = /* @__PURE__ */ createContextKey<
  string | undefined
>(undefined, {
  description: "IP of the connection's peer",
});

/** Registers the service on a router. */
export function clusterRoutes(
  procedures: Procedures,
  options: ClusterRoutesOptions = {},
): (router: ConnectRouter) => void {
  const { trustedProxies = [], hooks = {} } = options;

  function startCall(method: ClusterMethod, request: RequestFields, context: HandlerContext): Call {
    const clientIp = () =>
      clientAddress(context.requestHeader, context.values.get(peerAddressKey), trustedProxies);
    return new Call(method, request, { signal: context.signal, clientIp }, hooks);
  }

  return (router) => {
    router.service(Cluster, {
      hello(request, context) {
        const call = startCall("Hello", request, context);
        return call.unary(() => {
          const { redirectEndpoint, clientIp } = procedures.hello(request, call.caller);
          if (redirectEndpoint === undefined) return { clientIp };
          return { clientIp, redirect: { endpoint: redirectEndpoint } };
        });
      },
      affiliateUpdate(request, context) {
        const call = startCall("AffiliateUpdate", request, context);
        return call.unary(async () => {
          await procedures.affiliateUpdate(request, call.caller);
          return {};
        });
      },
      affiliateDelete(request, context) {
        const call = startCall("AffiliateDelete", request, context);
        return call.unary(async () => {
          await procedures.affiliateDelete(request, call.caller);
          return {};
        });
      },
      list(request, context) {
        const call = startCall("List", request, context);
        return call.unary(async () =>
          listResponse(await procedures.list(request, call.caller), codecOf(context)),
        );
      },
      async *watch(request, context) {
        const call = startCall("Watch", request, context);
        const codec = codecOf(context);
        // A caller that is gone may never ask for the next message, and the code below would wait for it.
        context.signal.addEventListener("abort", () => call.abandoned(), { once: true });
        try {
          for await (const message of procedures.watch(request, call.caller)) {
            for (const response of watchResponses(message, codec)) {
              call.sent();
              yield response;
            }
          }
        } catch (error) {
          throw call.failed(error);
        } finally {
          call.end();
        }
      },
    });
  };
}

function codecOf(context: HandlerContext): Codec {
  return context.requestHeader.get("content-type")?.includes("json") ? "json" : "binary";
}

interface RequestFields {
  readonly clusterId: string;
  readonly affiliateId?: string;
  readonly clientVersion?: string;
}

/** One call, from its decoded request to its report, which it is itself. */
class Call implements CallReport {
  readonly caller: Caller;
  readonly method: ClusterMethod;
  readonly path = "slow";
  code: RpcCode = "OK";
  error: unknown;
  messagesSent = 0;
  durationMs = 0;
  readonly #request: RequestFields;
  readonly #hooks: ServerHooks;
  readonly #startedAt: number;
  #ended = false;

  constructor(method: ClusterMethod, request: RequestFields, caller: Caller, hooks: ServerHooks) {
    this.method = method;
    this.#request = request;
    this.caller = caller;
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

  async unary<T>(answer: () => T | Promise<T>): Promise<T> {
    try {
      const response = await answer();
      this.sent();
      return response;
    } catch (error) {
      throw this.failed(error);
    } finally {
      this.end();
    }
  }

  sent(): void {
    this.messagesSent++;
    this.#hooks.onMessageSent?.(this.method);
  }

  /** Keeps the details for the report; what is returned is for the caller. */
  failed(error: unknown): ConnectError {
    const { code, message } = rpcStatus(error);
    this.code = rpcCodeName(code);
    this.error = error;
    return new ConnectError(message, code);
  }

  /** The caller is gone, or its deadline is over. */
  abandoned(): void {
    if (this.#ended) return;
    this.failed(this.caller.signal.reason);
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
