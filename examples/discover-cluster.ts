/**
 * A host of any kind in a cluster with two discovery services: it publishes itself to both, adds what a file says of hosts
 * that cannot, and prints the members as they come, change and go, until it is told to stop (Ctrl-C).
 *
 *   npm install talos-discovery
 *   CLUSTER_ID=… SERVICE_URLS="https://one.example/ https://two.example/" node discover-cluster.ts
 *
 * The cluster's secret is in cluster.secret, its hosts in hosts.yaml: [{ nodename: nas, addresses: [192.0.2.9] }]
 */
import { existsSync, readFileSync } from "node:fs";
import { hostname, networkInterfaces } from "node:os";
import { createAffiliateSpec, MEMBERS } from "talos-discovery";
import { Discovery, ServiceRegistry } from "talos-discovery/discovery";
import {
  createNodeIdentity,
  grpcTransport,
  loadNodeIdentity,
  watchStaticMembers,
} from "talos-discovery/node";

const { CLUSTER_ID = "", SERVICE_URLS = "https://discovery.talos.dev/" } = process.env;
const { CLUSTER_SECRET_FILE = "cluster.secret", HOSTS_FILE = "hosts.yaml" } = process.env;
const { IDENTITY_FILE = "node-identity.yaml", NODE_NAME = hostname() } = process.env;

const { nodeId } = existsSync(IDENTITY_FILE)
  ? await loadNodeIdentity(IDENTITY_FILE)
  : await createNodeIdentity(IDENTITY_FILE);

const services = new ServiceRegistry({
  services: SERVICE_URLS.split(" "),
  transport: grpcTransport,
  clusterId: CLUSTER_ID,
  clusterSecret: readFileSync(CLUSTER_SECRET_FILE, "utf8").trim(),
  nodeId,
  onRetry: (error, delayMs, { name }) =>
    console.error(`${name}: ${error.message}; next attempt in ${delayMs} ms`),
});
const hosts = await watchStaticMembers(HOSTS_FILE, {
  onError: (error) => console.error(error.message),
});
const discovery = new Discovery({ registries: [services, hosts.registry], nodeId });

const addresses = Object.values(networkInterfaces())
  .flatMap((interfaces) => interfaces ?? [])
  .filter(({ internal, address }) => !internal && !address.startsWith("fe80:"))
  .map(({ address }) => address);
discovery.publish({ affiliate: createAffiliateSpec({ nodeId, addresses, nodename: NODE_NAME }) });

const stop = new AbortController();
const leave = async () => {
  discovery.withdraw();
  // A service may be out of reach: then the others see us until our time is over.
  await discovery.flush({ signal: AbortSignal.timeout(5000) }).catch(() => {});
  stop.abort();
};
process.once("SIGINT", leave).once("SIGTERM", leave);

const running = discovery.run({ signal: stop.signal });
for await (const change of discovery.watch({ signal: stop.signal })) {
  if (change.kind === "snapshot") {
    for (const [name, { spec }] of change.state.members) console.log("=", name, ...spec.addresses);
  } else if (change.kind === "changed") {
    for (const { event, resource } of change.events) {
      const { type, id } = resource.metadata; // affiliates are told of as well
      if (type === MEMBERS.type) console.log(event, id, ...resource.spec.addresses);
    }
  }
}
await running;
hosts.close();
console.log("left");
