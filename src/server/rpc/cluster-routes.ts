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
import type { Prefix } from "../../net/prefix.ts";
import { Cluster } from "../../protocol/gen/sidero/discovery/server/cluster_pb.ts";
import { type ClientHeaders, clientAddress } from "../limits/client-address.ts";
import { CallRecord } from "./call-record.ts";
import type { ServerHooks } from "./call-report.ts";
import type { Caller } from "./caller.ts";
import type { Procedures } from "./procedures.ts";
import type { RpcStatus } from "./rpc-status.ts";
import { type Codec, listResponse, watchResponses } from "./wire-messages.ts";

/** Options of {@link clusterRoutes}. */
export interface ClusterRoutesOptions extends ClientHeaders {
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

  function callerOf({ requestHeader, values, signal, timeoutMs }: HandlerContext): Caller {
    const clientIp = () =>
      clientAddress(requestHeader, values.get(peerAddressKey), trustedProxies, options);
    return { signal, clientIp, timeoutMs };
  }

  return (router) => {
    router.service(Cluster, {
      hello(request, context) {
        const caller = callerOf(context);
        const record = new CallRecord("slow", "Hello", request, caller, hooks);
        return unary(record, async () => {
          const { redirectEndpoint, clientIp } = await procedures.hello(request, caller);
          if (redirectEndpoint === undefined) return { clientIp };
          return { clientIp, redirect: { endpoint: redirectEndpoint } };
        });
      },
      affiliateUpdate(request, context) {
        const caller = callerOf(context);
        const record = new CallRecord("slow", "AffiliateUpdate", request, caller, hooks);
        return unary(record, async () => {
          await procedures.affiliateUpdate(request, caller);
          return {};
        });
      },
      affiliateDelete(request, context) {
        const caller = callerOf(context);
        const record = new CallRecord("slow", "AffiliateDelete", request, caller, hooks);
        return unary(record, async () => {
          await procedures.affiliateDelete(request, caller);
          return {};
        });
      },
      list(request, context) {
        const caller = callerOf(context);
        const record = new CallRecord("slow", "List", request, caller, hooks);
        return unary(record, async () =>
          listResponse(await procedures.list(request, caller), codecOf(context)),
        );
      },
      async *watch(request, context) {
        const caller = callerOf(context);
        const record = new CallRecord("slow", "Watch", request, caller, hooks);
        const codec = codecOf(context);
        // A caller that has left may never ask for the next message, and the loop below would wait.
        const { signal } = context;
        signal.addEventListener("abort", () => record.abandoned(signal.reason), { once: true });
        try {
          for await (const message of procedures.watch(request, caller)) {
            for (const response of watchResponses(message, codec)) {
              record.sent();
              yield response;
            }
          }
        } catch (error) {
          throw connectError(record.failed(error));
        } finally {
          record.end();
        }
      },
    });
  };
}

function codecOf(context: HandlerContext): Codec {
  return context.requestHeader.get("content-type")?.includes("json") ? "json" : "binary";
}

async function unary<T>(record: CallRecord, answer: () => Promise<T>): Promise<T> {
  try {
    const response = await answer();
    record.sent();
    return response;
  } catch (error) {
    throw connectError(record.failed(error));
  } finally {
    record.end();
  }
}

function connectError({ code, message }: RpcStatus): ConnectError {
  return new ConnectError(message, code);
}
