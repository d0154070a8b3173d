import { isDeepStrictEqual } from "node:util";
import { generateNodeId } from "../../src/identity/index.ts";
import { grpcTransport } from "../../src/node/index.ts";
import type { RegistryUnderTest } from "../../src/sources/registry-cases.ts";
import { ServiceRegistry } from "../../src/sources/service/service-registry.ts";
import { discoveryRegistrySuite } from "../harness/registry/discovery-registry-suite.ts";
import {
  CLUSTER_ID,
  CLUSTER_SECRET,
  LoopbackService,
} from "../harness/service/loopback-service.ts";

const NODE_ID = generateNodeId();

/** A registry of real services, all of which have the same to say. */
async function open(serviceCount: number): Promise<RegistryUnderTest> {
  const services: LoopbackService[] = [];
  for (let i = 0; i < serviceCount; i++) services.push(await LoopbackService.start());
  const registry = new ServiceRegistry({
    services: services.map(({ url }) => url),
    transport: grpcTransport,
    clusterId: CLUSTER_ID,
    clusterSecret: CLUSTER_SECRET,
    nodeId: NODE_ID,
    // The shortest waits.
    random: () => 0,
  });
  const forEach = async (act: (service: LoopbackService) => Promise<void>) => {
    await Promise.all(services.map(act));
  };
  let isBroken = false;
  return {
    registry,
    setSource: (affiliates) => {
      for (const service of services) service.replace(affiliates);
    },
    published: () => {
      const [first, ...others] = services.map((service) => service.get(NODE_ID));
      if (others.some((other) => !isDeepStrictEqual(other, first))) {
        throw new Error("the services were told different things");
      }
      return first;
    },
    breakSource: async () => {
      isBroken = true;
      await forEach((service) => service.stop());
    },
    mendSource: async () => {
      isBroken = false;
      await forEach((service) => service.startAgain());
    },
    close: async () => {
      if (isBroken) return;
      await forEach((service) => service[Symbol.asyncDispose]());
    },
  };
}

const kinds = { nodeId: NODE_ID, publishes: true, breaks: true };
discoveryRegistrySuite("ServiceRegistry with one service", { ...kinds, open: () => open(1) });
discoveryRegistrySuite("ServiceRegistry with two services", { ...kinds, open: () => open(2) });
