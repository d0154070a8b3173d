/**
 * Clusters that are as large as they may be.
 * @module
 */
import { randomBytes } from "node:crypto";
import { GRPC_OK, GrpcConnection } from "./grpc-connection.ts";
import { manyAddresses } from "./loopback-address.ts";
import { updateRequest } from "./messages.ts";

/** The protocol's limits. */
export const FULL_CLUSTER = {
  affiliates: 1024,
  dataBytes: 2048,
  endpoints: 64,
  endpointBytes: 32,
} as const;

/** What one address may do at once. */
const CALLS_AT_ONCE = 55;

/** Nobody else calls from there. */
const NETWORK = 11;

export function largestUpdate(clusterId: string, affiliateId: string): Uint8Array {
  const { dataBytes, endpoints, endpointBytes } = FULL_CLUSTER;
  return updateRequest({
    clusterId,
    affiliateId,
    data: randomBytes(dataBytes),
    endpoints: Array.from({ length: endpoints }, () => randomBytes(endpointBytes)),
  });
}

/** Fills a cluster, within the limits for each address. */
export async function fillCluster(port: number, clusterId: string): Promise<void> {
  for (let first = 0; first < FULL_CLUSTER.affiliates; first += CALLS_AT_ONCE) {
    const connection = new GrpcConnection(port, manyAddresses(first / CALLS_AT_ONCE, NETWORK));
    const count = Math.min(CALLS_AT_ONCE, FULL_CLUSTER.affiliates - first);
    const answers = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        connection.call("AffiliateUpdate", largestUpdate(clusterId, `node-${first + index}`)),
      ),
    );
    connection.close();
    const failed = answers.find(({ status }) => status !== GRPC_OK);
    if (failed) throw new Error(`cluster not filled: ${failed.status} ${failed.statusText}`);
  }
}
