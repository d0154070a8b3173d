/**
 * KubeSpan: addresses, peers and their state.
 * @module
 */
export type { PeerSpec } from "./peers.ts";
