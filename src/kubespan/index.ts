/**
 * KubeSpan: a node's identity in the mesh, its peers and their state, WireGuard's configuration.
 * @module
 */
export type {
  KubeSpanEndpointSpec,
  KubeSpanIdentitySpec,
  PeerSpec,
  PeerState,
  PeerStatusSpec,
} from "../resources/kubespan.ts";
export { type EndpointChoice, nextEndpoint } from "./endpoint-rotation.ts";
export { type HarvestedPeer, harvestEndpoints, otherEndpointsOf } from "./harvesting.ts";
export {
  generateKubeSpanIdentity,
  type KubeSpanIdentity,
  type KubeSpanPlace,
  kubespanIdentity,
} from "./identity.ts";
export { generatePrivateKey, isPublicKey, publicKeyOf } from "./keys.ts";
export {
  filterPeerEndpoints,
  KUBESPAN_PORT,
  type OwnEndpointsSource,
  ownEndpoints,
} from "./own-endpoints.ts";
export {
  ENDPOINT_PATIENCE_MS,
  HANDSHAKE_LIFETIME_MS,
  type PeerObservation,
  peerState,
} from "./peer-state.ts";
export {
  allowedIps,
  type PeerNetworks,
  type PeerProblem,
  type PeersOptions,
  peersOf,
} from "./peers.ts";
export {
  kubespanAddress,
  kubespanSubnet,
  type UniqueLocalPurpose,
  uniqueLocalPurpose,
} from "./subnet.ts";
export {
  KUBESPAN_MTU,
  MIN_KUBESPAN_MTU,
  type WireguardConfigOptions,
  wireguardConfig,
} from "./wireguard-config.ts";
export {
  parseWireguardDump,
  type WireguardPeerStatus,
  type WireguardStatus,
} from "./wireguard-dump.ts";
