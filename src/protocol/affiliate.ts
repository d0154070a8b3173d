/**
 * What a node publishes about itself: plain data, and its encoding as `sidero.discovery.client.Affiliate`.
 * @module
 */

/** A node as it describes itself. IPs and prefixes are canonical text; absent and empty fields are the same. */
export interface AffiliateData {
  /** Base62 identity of the node. */
  readonly nodeId?: string;
  /** IP addresses. */
  readonly addresses?: readonly string[];
  readonly hostname?: string;
  /** Kubernetes node name; empty until the node has one. */
  readonly nodename?: string;
  /** `init`, `controlplane` or `worker`. */
  readonly machineType?: string;
  /** For people: `Talos (v1.15.0)`. */
  readonly operatingSystem?: string;
  readonly kubespan?: KubeSpanData;
  readonly controlPlane?: ControlPlaneData;
}

/** The WireGuard identity of a node. */
export interface KubeSpanData {
  /** WireGuard public key, base64. */
  readonly publicKey?: string;
  readonly address?: string;
  /** CIDR prefixes that are routed to the node besides its addresses. */
  readonly additionalAddresses?: readonly string[];
  /** CIDR prefixes that are never routed to it. */
  readonly excludeAdvertisedNetworks?: readonly string[];
}

export interface ControlPlaneData {
  /** Port of the Kubernetes API server; 0 is encoded as an absent one. */
  readonly port: number;
}
