/**
 * gRPC's standard health service, which load balancers and Kubernetes ask.
 * @module
 */
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
} from "../../protocol/gen/grpc/health/v1/health_pb.ts";
import { Cluster } from "../../protocol/gen/sidero/discovery/server/cluster_pb.ts";
import type { ServiceHealth } from "../pages/service-health.ts";

/** The empty name is the server as a whole. */
const KNOWN_SERVICES: ReadonlySet<string> = /* @__PURE__ */ new Set(["", Cluster.typeName]);

/** Registers `grpc.health.v1.Health` on a router. */
export function healthRoutes(health: ServiceHealth): (router: ConnectRouter) => void {
  return (router) => {
    router.service(Health, {
      async check({ service }) {
        if (!KNOWN_SERVICES.has(service)) throw new ConnectError("unknown service", Code.NotFound);
        return { status: statusOf((await health.check()).ok) };
      },
      async *watch({ service }, { signal }) {
        if (!KNOWN_SERVICES.has(service)) {
          yield { status: Status.SERVICE_UNKNOWN };
          // It will not come to be, but callers are promised a stream that stays.
          await new Promise<void>((resolve) => {
            void health.changed(true, signal).then(resolve);
          });
          return;
        }
        while (!signal.aborted) {
          const { ok } = await health.check();
          yield { status: statusOf(ok) };
          // The last word: a stream that stayed would keep the service from stopping.
          if (health.isDraining) return;
          await health.changed(ok, signal);
        }
      },
    });
  };
}

function statusOf(ok: boolean): Status {
  return ok ? Status.SERVING : Status.NOT_SERVING;
}
