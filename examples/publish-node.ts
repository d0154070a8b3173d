/**
 * A node that publishes itself, follows the others, and leaves in order when it is told to stop (Ctrl-C).
 *
 *   npm install talos-discovery
 *   CLUSTER_ID=… CLUSTER_SECRET_FILE=cluster.secret node publish-node.ts
 *
 * Its identity is kept in node-identity.yaml, so that it is the same node the next time.
 */
import { existsSync, readFileSync } from "node:fs";
import { hostname, networkInterfaces } from "node:os";
import { DiscoveryClient } from "talos-discovery";
import { createNodeIdentity, grpcTransport, loadNodeIdentity } from "talos-discovery/node";

const WIREGUARD_PORT = 51820;

const identityFile = process.env.IDENTITY_FILE ?? "node-identity.yaml";
const identity = existsSync(identityFile)
  ? await loadNodeIdentity(identityFile)
  : await createNodeIdentity(identityFile);

const client = new DiscoveryClient({
  service: process.env.SERVICE_URL ?? "https://discovery.talos.dev/",
  transport: grpcTransport,
  clusterId: process.env.CLUSTER_ID ?? "",
  clusterSecret: readFileSync(process.env.CLUSTER_SECRET_FILE ?? "cluster.secret", "utf8").trim(),
  nodeId: identity.nodeId,
  onRetry: (error, delayMs) => console.error(`${error.message}; next attempt in ${delayMs} ms`),
});

const addresses = Object.values(networkInterfaces())
  .flatMap((interfaces) => interfaces ?? [])
  .filter(({ internal, address }) => !internal && !address.startsWith("fe80:"))
  .map(({ address }) => address);
client.publish(
  {
    addresses,
    hostname: hostname(),
    nodename: process.env.NODE_NAME ?? hostname(),
    machineType: "worker",
    operatingSystem: `Node.js (${process.version})`,
  },
  {
    endpoints: addresses.map((ip) =>
      ip.includes(":") ? `[${ip}]:${WIREGUARD_PORT}` : `${ip}:${WIREGUARD_PORT}`,
    ),
  },
);

const stop = new AbortController();
const leave = async () => {
  client.withdraw();
  // The service may be out of reach: then the others see us until our time is over.
  await client.flush({ signal: AbortSignal.timeout(5000) }).catch(() => {});
  stop.abort();
};
process.once("SIGINT", leave).once("SIGTERM", leave);

const running = client.run({ signal: stop.signal });
await client.flush({ signal: stop.signal });
console.log(`published ${identity.nodeId}`);
for await (const change of client.watch({ signal: stop.signal })) {
  if (change.kind === "snapshot") console.log(`${change.affiliates.length} others`);
  else if (change.kind === "updated") console.log(`+ ${change.affiliate.hostname}`);
  else console.log(`- ${change.nodeId}`);
}
await running;
console.log("left");
