/**
 * The WireGuard peers that follow from what a node knows of the others.
 * @module
 */
export type { PeerSpec } from "../resources/kubespan.ts";
