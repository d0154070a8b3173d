/**
 * Clusters that are as large as the protocol allows.
 * @module
 */
import { randomBytes } from "node:crypto";
import type { Target } from "../../harness/net/attack.ts";
import { callOnce, GRPC_OK, GrpcConnection } from "./grpc-connection.ts";
import { manyAddresses } from "./loopback-address.ts";
import { clusterRequest, updateRequest } from "./messages.ts";

/** The protocol's limits. */
export const FULL_CLUSTER = {
  affiliates: 1024,
  dataBytes: 2048,
  endpoints: 64,
  endpointBytes: 32,
} as const;

/** Within the default burst of one address. */
const CALLS_AT_ONCE = 55;

/** Network of the addresses that fill; see `manyAddresses`. */
const NETWORK = 11;

/** Shared by all affiliates: making random bytes takes longer than storing them. */
const ENDPOINTS: readonly Uint8Array[] = Array.from({ length: FULL_CLUSTER.endpoints }, () =>
  randomBytes(FULL_CLUSTER.endpointBytes),
);

export function largestUpdate(clusterId: string, affiliateId: string): Uint8Array {
  const data = randomBytes(FULL_CLUSTER.dataBytes);
  return updateRequest({ clusterId, affiliateId, data, endpoints: ENDPOINTS });
}

/** Fills a cluster, within the limits for each address, and lists it once. */
export async function fillCluster(service: Target, clusterId: string): Promise<void> {
  for (let first = 0; first < FULL_CLUSTER.affiliates; first += CALLS_AT_ONCE) {
    const connection = new GrpcConnection(service, manyAddresses(first / CALLS_AT_ONCE, NETWORK));
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
  // The list that the service caches then is part of what it holds before an attack.
  await callOnce(service, manyAddresses(0, NETWORK), "List", clusterRequest(clusterId));
}
