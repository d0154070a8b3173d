/**
 * Who a node is in the mesh: its WireGuard key and its address.
 * @module
 */
import { generatePrivateKey, publicKeyOf } from "./keys.ts";
import { kubespanAddress, kubespanSubnet } from "./subnet.ts";

/**
 * A node's identity in the mesh: a `KubeSpanIdentitySpec` and the private key, which is in no JSON
 * and no inspection.
 */
export interface KubeSpanIdentity {
  /** The node's KubeSpan address, a CIDR prefix of 128 bits. */
  readonly address: string;
  /** The cluster's KubeSpan subnet, a CIDR prefix of 64 bits. */
  readonly subnet: string;
  /** Base64. Not enumerable: `{ ...identity }` is without it. */
  readonly privateKey: string;
  /** Base64. */
  readonly publicKey: string;
}

/** Where a node stands. */
export interface KubeSpanPlace {
  readonly clusterId: string;
  /** MAC address of the node's first network card, see `kubespanAddress`. */
  readonly mac: string;
}

/**
 * Makes the identity of a new node.
 *
 * @param random - Where the key's bytes come from. @default `crypto.getRandomValues`
 * @throws {RangeError} for an empty cluster ID. {DiscoveryError} `ERR_MAC_INVALID`.
 */
export function generateKubeSpanIdentity(
  { clusterId, mac }: KubeSpanPlace,
  random?: (bytes: number) => Uint8Array,
): KubeSpanIdentity {
  const subnet = kubespanSubnet(clusterId);
  const address = `${kubespanAddress(subnet, mac)}/128`;
  const privateKey = generatePrivateKey(random);
  return kubespanIdentity({ address, subnet, privateKey });
}

/**
 * Completes an identity by its public key.
 *
 * @throws {DiscoveryError} `ERR_WIREGUARD_KEY_INVALID`.
 */
export function kubespanIdentity({
  address,
  subnet,
  privateKey,
}: Omit<KubeSpanIdentity, "publicKey">): KubeSpanIdentity {
  const visible = { address, subnet, publicKey: publicKeyOf(privateKey) };
  return Object.defineProperty(visible, "privateKey", {
    value: privateKey,
  }) as KubeSpanIdentity;
}
