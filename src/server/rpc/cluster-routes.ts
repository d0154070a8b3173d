/**
 * The service as Connect routes: gRPC, gRPC-Web and Connect over one set of procedures.
 * @module
 */
import { ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import type { Prefix } from "../../net/prefix.ts";
import { Cluster } from "../../protocol/gen/sidero/discovery/server/cluster_pb.ts";
import type { WatchMessage } from "../../registry/registry.ts";
import type { ClientHeaders } from "../limits/client-address.ts";
import { CallRecord } from "./call-record.ts";
import type { ServerHooks } from "./call-report.ts";
import type { Caller } from "./caller.ts";
import { connectCaller } from "./connect-caller.ts";
import { type AnswerSlot, answerSlotKey, PreparedWatch } from "./prepared-answer.ts";
import type { Procedures } from "./procedures.ts";
import type { RpcStatus } from "./rpc-status.ts";
import { type Codec, listResponse, watchResponses } from "./wire-messages.ts";

/** Options of {@link clusterRoutes}. */
export interface ClusterRoutesOptions extends ClientHeaders {
  /** Connections from here may name their caller in a header. @default none */
  readonly trustedProxies?: readonly Prefix[] | undefined;
  readonly hooks?: ServerHooks | undefined;
}

/** Registers the service on a router. */
export function clusterRoutes(
  procedures: Procedures,
  options: ClusterRoutesOptions = {},
): (router: ConnectRouter) => void {
  const { trustedProxies = [], hooks = {} } = options;

  function callerOf(context: HandlerContext): Caller {
    const slot = context.values.get(answerSlotKey);
    if (slot !== undefined) slot.hasBegun = true;
    return connectCaller(context, trustedProxies, options);
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
        return unary(record, async () => {
          const views = await procedures.list(request, caller);
          const codec = codecOf(context);
          const slot = context.values.get(answerSlotKey);
          if (slot === undefined) return listResponse(views, codec);
          const encode = (isEnveloped: boolean) => slot.encoder.list(views, codec, isEnveloped);
          slot.answer = { kind: "message", encode };
          return {};
        });
      },
      async *watch(request, context) {
        const caller = callerOf(context);
        const record = new CallRecord("slow", "Watch", request, caller, hooks);
        const codec = codecOf(context);
        // A caller that has left may never ask for the next message, and the loop below would wait.
        const { signal } = caller;
        signal.addEventListener("abort", () => record.abandoned(signal.reason), { once: true });
        try {
          const messages = procedures.watch(request, caller);
          const slot = context.values.get(answerSlotKey);
          if (slot !== undefined) {
            const watch = await prepareWatch(slot, messages, codec, record);
            if (watch === undefined) return;
            slot.answer = { kind: "watch", watch };
            yield {};
            await watch.ended;
            return;
          }
          for await (const message of messages) {
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

/** Begins the watch: a refusal is Connect's to tell. @returns `undefined` if it has ended. */
async function prepareWatch(
  { encoder }: AnswerSlot,
  watch: AsyncIterable<WatchMessage>,
  codec: Codec,
  record: CallRecord,
): Promise<PreparedWatch | undefined> {
  const messages = watch[Symbol.asyncIterator]();
  const first = await messages.next();
  if (first.done === true) return undefined;
  return new PreparedWatch(first.value, messages, encoder, codec, (count) => {
    for (let i = 0; i < count; i++) record.sent();
  });
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
