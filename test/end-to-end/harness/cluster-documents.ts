/**
 * The documents of a Talos configuration that say which cluster it is, and whom to ask.
 * @module
 */
import type { Cluster } from "../../harness/processes/nodes.ts";

/** The ID on line 3, the secret on line 4. */
export function identityDocument({ clusterId, clusterSecret }: Cluster): string {
  return `apiVersion: v1alpha1\nkind: DiscoveryIdentityConfig\nclusterID: ${clusterId}\nclusterSecret: ${clusterSecret}\n`;
}

/** With the dashes before it. */
export function serviceDocument(name: string, url: string): string {
  return `---\napiVersion: v1alpha1\nkind: DiscoveryServiceConfig\nname: ${name}\nendpoint: ${url}\n`;
}
