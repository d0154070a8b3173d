/**
 * The annotations under which nodes tell of themselves on their Kubernetes `Node` objects.
 * @see docs/conformance.md, "Kubernetes registry"
 * @module
 */

/** Values are text; lists stand with commas. */
export const ANNOTATIONS = {
  nodeId: "cluster.talos.dev/node-id",
  addresses: "networking.talos.dev/self-ips",
  apiServerPort: "networking.talos.dev/api-server-port",
  kubespanAddress: "networking.talos.dev/kubespan-ip",
  kubespanPublicKey: "networking.talos.dev/kubespan-public-key",
  kubespanAdditionalAddresses: "networking.talos.dev/assigned-prefixes",
  kubespanEndpoints: "networking.talos.dev/kubespan-endpoints",
  kubespanExcludedNetworks: "networking.talos.dev/kubespan-exclude-advertised-networks",
} as const;
