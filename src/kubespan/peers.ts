/**
 * The WireGuard peers that follow from what a node knows of the others.
 * @module
 */

/** Spec of `KubeSpanPeerSpecs.kubespan.talos.dev`; the resource's ID is the peer's public key. */
export interface PeerSpec {
  /** KubeSpan address of the peer. */
  readonly address: string;
  /** CIDR prefixes, sorted, no two of any peers overlap. */
  readonly allowedIps: readonly string[];
  /** `IP:port`. */
  readonly endpoints: readonly string[];
  /** The node name. */
  readonly label: string;
}
