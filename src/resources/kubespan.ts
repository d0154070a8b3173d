/**
 * What a node knows of its WireGuard mesh: its own key, its peers, how each is doing.
 * @module
 */

/**
 * Spec of `KubeSpanIdentities.kubespan.talos.dev`, without the private key: this is shown to
 * people.
 */
export interface KubeSpanIdentitySpec {
  /**
   * The node's KubeSpan address as a CIDR prefix: `fd7f:175a:b97c:5602:2c1a:b6ff:fe53:8169/128`.
   */
  readonly address: string;
  /** The cluster's KubeSpan subnet, a CIDR prefix of 64 bits. */
  readonly subnet: string;
  /** WireGuard public key, base64. */
  readonly publicKey: string;
}

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

/** Whether a peer answers, as far as WireGuard's handshakes tell. */
export type PeerState = "unknown" | "up" | "down";

/**
 * Spec of `KubeSpanPeerStatuses.kubespan.talos.dev`; the resource's ID is the peer's public key.
 */
export interface PeerStatusSpec {
  /** `IP:port` that WireGuard uses; empty where none was ever used. */
  readonly endpoint: string;
  /** The node name. */
  readonly label: string;
  readonly state: PeerState;
  readonly receiveBytes: number;
  readonly transmitBytes: number;
  /** RFC 3339; empty where there was none. */
  readonly lastHandshakeTime: string;
  /** `IP:port` that was last set for the peer; empty where none was. */
  readonly lastUsedEndpoint: string;
  /** RFC 3339; empty where there was none. */
  readonly lastEndpointChange: string;
}

/**
 * Spec of `KubeSpanEndpoints.kubespan.talos.dev`, harvested; the resource's ID is the peer's public
 * key.
 */
export interface KubeSpanEndpointSpec {
  /** Node ID of the affiliate that the peer is. */
  readonly affiliateId: string;
  /** `IP:port` at which the peer was seen. */
  readonly endpoint: string;
}
