/**
 * Nodes on a service, put there by plain calls: sealed as nodes seal them, and kept by nobody.
 * @module
 */
import {
  createClusterCipher,
  generateClusterId,
  generateClusterSecret,
} from "../../../src/crypto/index.ts";
import { generateNodeId } from "../../../src/identity/index.ts";
import {
  type AffiliateData,
  encodeAffiliate,
  encodeEndpoint,
} from "../../../src/protocol/index.ts";
import type { RunCommandOptions } from "../cli/test-terminal.ts";
import { grpcClient } from "../service/test-service.ts";

/** A cluster that nobody else is in. */
export interface TestCluster {
  readonly id: string;
  /** The environment of a command that is to know it. */
  environment(...services: readonly { readonly url: string }[]): RunCommandOptions;
  /** @returns The node ID. */
  publish(service: { readonly url: string }, node: PublishedNode): Promise<string>;
  /** Node IDs that the service lists, sorted. */
  listed(service: { readonly url: string }): Promise<string[]>;
}

export interface PublishedNode extends AffiliateData {
  /** @default a new one */
  readonly nodeId?: string;
  readonly endpoints?: readonly string[];
  /** Instead of the cluster's own. */
  readonly secret?: string;
}

export function createTestCluster(): TestCluster {
  const id = generateClusterId();
  const clusterSecret = generateClusterSecret();
  return {
    id,
    environment: (...services) => ({
      env: {
        TALOS_DISCOVERY_SERVICE: services.map(({ url }) => url).join(","),
        TALOS_DISCOVERY_CLUSTER_ID: id,
        TALOS_DISCOVERY_CLUSTER_SECRET: clusterSecret,
      },
    }),
    async publish({ url }, { nodeId = generateNodeId(), endpoints = [], secret, ...affiliate }) {
      const cipher = createClusterCipher(secret ?? clusterSecret);
      await grpcClient(url).affiliateUpdate({
        clusterId: id,
        affiliateId: nodeId,
        affiliateData: cipher.sealAffiliate(encodeAffiliate({ ...affiliate, nodeId })),
        affiliateEndpoints: endpoints.map((text) => cipher.sealEndpoint(encodeEndpoint(text))),
        ttl: { seconds: 1800n, nanos: 0 },
      });
      return nodeId;
    },
    async listed({ url }) {
      const { affiliates } = await grpcClient(url).list({ clusterId: id });
      return affiliates.map((affiliate) => affiliate.id).sort();
    },
  };
}
