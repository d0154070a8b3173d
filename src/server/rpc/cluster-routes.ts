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
import { Call, type RequestFields } from "./call.ts";
import type { ClusterMethod, ServerHooks } from "./call-report.ts";
import type { Procedures } from "./procedures.ts";
import type { RpcStatus } from "./rpc-status.ts";
import { type Codec, listResponse, watchResponses } from "./wire-messages.ts";

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

  function startCall(method: ClusterMethod, request: RequestFields, context: HandlerContext): Call {
    const clientIp = () =>
      clientAddress(
        context.requestHeader,
        context.values.get(peerAddressKey),
        trustedProxies,
        options,
      );
    const { signal, timeoutMs } = context;
    return new Call("slow", method, request, { signal, clientIp, timeoutMs }, hooks);
  }

  return (router) => {
    router.service(Cluster, {
      hello(request, context) {
        const call = startCall("Hello", request, context);
        return unary(call, async () => {
          const { redirectEndpoint, clientIp } = await procedures.hello(request, call.caller);
          if (redirectEndpoint === undefined) return { clientIp };
          return { clientIp, redirect: { endpoint: redirectEndpoint } };
        });
      },
      affiliateUpdate(request, context) {
        const call = startCall("AffiliateUpdate", request, context);
        return unary(call, async () => {
          await procedures.affiliateUpdate(request, call.caller);
          return {};
        });
      },
      affiliateDelete(request, context) {
        const call = startCall("AffiliateDelete", request, context);
        return unary(call, async () => {
          await procedures.affiliateDelete(request, call.caller);
          return {};
        });
      },
      list(request, context) {
        const call = startCall("List", request, context);
        return unary(call, async () =>
          listResponse(await procedures.list(request, call.caller), codecOf(context)),
        );
      },
      async *watch(request, context) {
        const call = startCall("Watch", request, context);
        const codec = codecOf(context);
        // A caller that is gone may never ask for the next message, and the code below would wait for it.
        const { signal } = context;
        signal.addEventListener("abort", () => call.abandoned(signal.reason), { once: true });
        try {
          for await (const message of procedures.watch(request, call.caller)) {
            for (const response of watchResponses(message, codec)) {
              call.sent();
              yield response;
            }
          }
        } catch (error) {
          throw connectError(call.failed(error));
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

async function unary<T>(call: Call, answer: () => Promise<T>): Promise<T> {
  try {
    const response = await answer();
    call.sent();
    return response;
  } catch (error) {
    throw connectError(call.failed(error));
  } finally {
    call.end();
  }
}

function connectError({ code, message }: RpcStatus): ConnectError {
  return new ConnectError(message, code);
}
