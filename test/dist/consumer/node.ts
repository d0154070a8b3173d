// A program for Node: a service, and a client of it over gRPC.
import { DiscoveryClient, generateNodeId } from "talos-discovery";
import { generateClusterId, generateClusterSecret } from "talos-discovery/crypto";
import { Discovery } from "talos-discovery/discovery";
import { KubernetesRegistry } from "talos-discovery/kubernetes";
import {
  createNodeApi,
  type DiscoveryServer,
  grpcTransport,
  type StaticMembersFile,
  serve,
} from "talos-discovery/node";

const server: DiscoveryServer = await serve({ host: "127.0.0.1", port: 0 });
const client = new DiscoveryClient({
  service: server.url,
  transport: (url) => grpcTransport(url),
  clusterId: generateClusterId(),
  clusterSecret: generateClusterSecret(),
  nodeId: generateNodeId(),
});
const stop = new AbortController();
const running = client.run({ signal: stop.signal }).catch(() => undefined);
for await (const change of client.watch({ signal: stop.signal })) {
  if (change.kind !== "snapshot" || change.affiliates.length !== 0) throw new Error(change.kind);
  break;
}
stop.abort();
await running;
await server.close();

// Compiled, not called: it needs a cluster, and an optional package.
export async function discover(hosts: StaticMembersFile): Promise<Discovery> {
  const nodes = await createNodeApi({ kubeconfig: "kubeconfig" });
  return new Discovery({ registries: [new KubernetesRegistry({ nodes }), hosts.registry] });
}
