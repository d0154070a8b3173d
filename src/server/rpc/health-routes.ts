/**
 * gRPC's standard health service, which load balancers and Kubernetes ask.
 * @module
 */
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import type { Prefix } from "../../net/prefix.ts";
import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
} from "../../protocol/gen/grpc/health/v1/health_pb.ts";
import { Cluster } from "../../protocol/gen/sidero/discovery/server/cluster_pb.ts";
import type { ClientHeaders } from "../limits/client-address.ts";
import type { ServiceHealth } from "../pages/service-health.ts";
import { connectCaller } from "./connect-caller.ts";
import type { Procedures } from "./procedures.ts";
import { rpcStatus } from "./rpc-status.ts";

/** The empty name is the server as a whole. */
const KNOWN_SERVICES: ReadonlySet<string> = /* @__PURE__ */ new Set(["", Cluster.typeName]);

/** Options of {@link healthRoutes}. */
export interface HealthRoutesOptions extends ClientHeaders {
  /** Among whose watches those of the health count. @default there is no limit */
  readonly procedures?: Pick<Procedures, "holdWatch"> | undefined;
  /** Connections from here may name their caller in a header. @default none */
  readonly trustedProxies?: readonly Prefix[] | undefined;
}

/** Registers `grpc.health.v1.Health` on a router. */
export function healthRoutes(
  health: ServiceHealth,
  options: HealthRoutesOptions = {},
): (router: ConnectRouter) => void {
  const { procedures, trustedProxies = [] } = options;

  /** @throws {ConnectError} `ResourceExhausted` */
  function hold(context: HandlerContext): (() => void) | undefined {
    try {
      return procedures?.holdWatch(connectCaller(context, trustedProxies, options));
    } catch (error) {
      const { code, message } = rpcStatus(error);
      throw new ConnectError(message, code);
    }
  }

  async function* states(
    service: string,
    signal: AbortSignal,
  ): AsyncGenerator<{ status: Status }, void, undefined> {
    if (!KNOWN_SERVICES.has(service)) {
      yield { status: Status.SERVICE_UNKNOWN };
      // It will not come to be, but callers are promised a stream that stays.
      await health.changed(true, signal);
      return;
    }
    while (!signal.aborted) {
      const { ok } = await health.check();
      yield { status: statusOf(ok) };
      // The last word: a stream that stayed would keep the service from stopping.
      if (health.isDraining) return;
      await health.changed(ok, signal);
    }
  }

  return (router) => {
    router.service(Health, {
      async check({ service }) {
        if (!KNOWN_SERVICES.has(service)) throw new ConnectError("unknown service", Code.NotFound);
        return { status: statusOf((await health.check()).ok) };
      },
      async *watch({ service }, context) {
        const release = hold(context);
        try {
          yield* states(service, context.signal);
        } finally {
          release?.();
        }
      },
    });
  };
}

function statusOf(ok: boolean): Status {
  return ok ? Status.SERVING : Status.NOT_SERVING;
}
