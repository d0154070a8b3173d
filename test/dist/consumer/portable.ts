// A program for any runtime: it compiles without the types of one.
import {
  base62,
  type DiscoveredAffiliate,
  DiscoveryClient,
  DiscoveryError,
  generateNodeId,
  isDiscoveryError,
  MemoryRegistry,
  membersOf,
  type Registry,
} from "talos-discovery";
import { type AffiliateChange, DiscoveryClient as SameClient } from "talos-discovery/client";
import { type DiscoveryConfig, parseDiscoveryConfig } from "talos-discovery/config";
import {
  createClusterCipher,
  generateClusterId,
  generateClusterSecret,
} from "talos-discovery/crypto";
import {
  Discovery,
  type DiscoveryRegistry,
  discoveryRegistryCases,
  parseStaticMembers,
  ServiceRegistry,
  type Sleep,
  StaticRegistry,
} from "talos-discovery/discovery";
import { machineId } from "talos-discovery/identity";
import { affiliateOfNode, KubernetesRegistry, nodeApiOver } from "talos-discovery/kubernetes";
import { kubespanSubnet, type PeerStatusSpec, peersOf } from "talos-discovery/kubespan";
import { decodeEndpoint, encodeEndpoint, MAX_TTL_MS } from "talos-discovery/protocol";
import { MemoryRegistry as SameRegistry } from "talos-discovery/registry";
import { findDefinition, membersOf as sameMembersOf } from "talos-discovery/resources";
import { createFetchHandler, memoryTransport } from "talos-discovery/server";
import { connectTransport, grpcWebTransport } from "talos-discovery/web";

const same: boolean[] = [
  SameClient === DiscoveryClient,
  SameRegistry === MemoryRegistry,
  sameMembersOf === membersOf,
];
if (same.includes(false)) throw new Error("the entry points do not share their modules");

const nodeId: string = generateNodeId();
const text: string = machineId(base62.encode(base62.decode(nodeId)));
if (text.length !== 32) throw new Error(text);

const cipher = createClusterCipher(generateClusterSecret());
const endpoint: string = decodeEndpoint(
  cipher.openEndpoint(cipher.sealEndpoint(encodeEndpoint("192.0.2.1:51820"))),
);
if (endpoint !== "192.0.2.1:51820") throw new Error(endpoint);

const registry: Registry = new MemoryRegistry();
const handler: (request: Request) => Promise<Response> = createFetchHandler(registry);
const answer = await handler(new Request("http://service.test/nowhere"));
if (answer.status !== 404) throw new Error(`status ${answer.status}`);

const transports = [() => memoryTransport(registry), grpcWebTransport, connectTransport];
const clients = transports.map(
  (transport) =>
    new DiscoveryClient({
      service: "http://127.0.0.1:1",
      transport: (url) => transport(url),
      clusterId: generateClusterId(),
      clusterSecret: generateClusterSecret(),
      nodeId,
      ttlMs: MAX_TTL_MS,
    }),
);
for (const client of clients) {
  const known: ReadonlyMap<string, DiscoveredAffiliate> = client.affiliates;
  const changes: AsyncIterable<AffiliateChange> = client.watch({ signal: AbortSignal.abort() });
  if (known.size !== 0 || changes === undefined) throw new Error("a new client knows somebody");
}
await registry.close();

const hosts: DiscoveryRegistry = new StaticRegistry({
  affiliates: parseStaticMembers("[{ nodename: nas, addresses: [192.0.2.9] }]", "hosts.yaml"),
});
const discovery = new Discovery({ registries: [hosts] });
const running: Promise<void> = discovery.run();
await discovery.settled();
if (discovery.state.members.get("nas")?.metadata.type !== findDefinition("m")?.type) {
  throw new Error("nas is no member");
}
await discovery[Symbol.asyncDispose]();
await running;
if (discoveryRegistryCases({ open: () => ({ registry: hosts, setSource() {} }) }).length === 0) {
  throw new Error("no cases");
}

const config: DiscoveryConfig = parseDiscoveryConfig("cluster: {discovery: {enabled: true}}");
const [service] = config.services;
if (service?.name !== "legacy") throw new Error("the older form has no service");
const sleep: Sleep = async (ms) => {
  if (ms < 0) throw new RangeError(`${ms}`);
};
const services: DiscoveryRegistry = new ServiceRegistry({
  services: [{ name: service.name, url: service.endpoint }],
  transport: (url) => grpcWebTransport(url),
  clusterId: generateClusterId(),
  clusterSecret: generateClusterSecret(),
  nodeId,
  sleep,
});
const send = async () => ({ status: 200, body: (async function* () {})() });
const nodes: DiscoveryRegistry = new KubernetesRegistry({
  nodes: nodeApiOver("https://kubernetes.test", send),
});
const both = new Discovery({ registries: [services, nodes], nodeId, sleep });
if ([...both.statuses.keys()].join() !== "service,k8s") throw new Error("names of registries");
if (affiliateOfNode({ metadata: { name: "worker-1" } }) !== undefined) throw new Error("node");
const status: PeerStatusSpec | undefined = undefined;
if (peersOf([]).size > 0 || status !== undefined) throw new Error("peers of nobody");
if (!kubespanSubnet("a").endsWith("/64")) throw new Error(kubespanSubnet("a"));

try {
  base62.decode("not base62!");
  throw new Error("decoded what is not base62");
} catch (error) {
  if (!isDiscoveryError(error) || !(error instanceof DiscoveryError)) throw error;
  if (error.code !== "ERR_BASE62_INVALID") throw error;
}
