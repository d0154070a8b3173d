/**
 * Lists the members of a cluster, once.
 *
 *   npm install talos-discovery
 *   CLUSTER_ID=… node list-members.ts          # .cluster.id of a machine config; .cluster.secret is in the file cluster.secret
 *   CLUSTER_ID=… SERVICE_URL=http://127.0.0.1:3000/ CLUSTER_SECRET_FILE=/run/secret node list-members.ts
 */
import { readFileSync } from "node:fs";
import { createAffiliateSpec, DiscoveryClient, generateNodeId, membersOf } from "talos-discovery";
import { grpcTransport } from "talos-discovery/node";

const client = new DiscoveryClient({
  service: process.env.SERVICE_URL ?? "https://discovery.talos.dev/",
  transport: grpcTransport,
  clusterId: process.env.CLUSTER_ID ?? "",
  clusterSecret: readFileSync(process.env.CLUSTER_SECRET_FILE ?? "cluster.secret", "utf8").trim(),
  nodeId: generateNodeId(), // of nobody: we publish nothing, and only look
});
client.run();
await client.settled(); // the service has answered, or an attempt has failed
if (client.status.lastError !== undefined) throw client.status.lastError;
const affiliates = [...client.affiliates.values()].map(createAffiliateSpec);
for (const [name, member] of membersOf(affiliates)) console.log(name, ...member.addresses);
await client[Symbol.asyncDispose](); // ends run()
