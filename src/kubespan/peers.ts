/**
 * The WireGuard peers that follow from what a node knows of the others.
 * @module
 */
import { hasZone, scanAddress } from "../net/address.ts";
import { formatEndpoint, parseEndpoint } from "../net/endpoint.ts";
import { formatPrefix, type Prefix, parsePrefix } from "../net/prefix.ts";
import type { AffiliateSpec, KubeSpanAffiliateSpec } from "../resources/affiliate.ts";
import type { PeerSpec } from "../resources/kubespan.ts";
import { isPublicKey } from "./keys.ts";
import { PrefixSet } from "./prefix-set.ts";

/** What of a peer's addresses goes through the mesh. */
export interface PeerNetworks {
  /**
   * KubeSpan address; empty where the peer has published none. As all text here, passed over where
   * it does not parse.
   */
  readonly address: string;
  /**
   * Node addresses. Those with a zone mean something on their own machine only, and are passed
   * over.
   */
  readonly addresses: readonly string[];
  /** CIDR prefixes, such as pod networks. */
  readonly additionalAddresses: readonly string[];
  /** CIDR prefixes that the peer wants left out; its KubeSpan address stays. */
  readonly excludeAdvertisedNetworks: readonly string[];
}

/** What a node published that cannot be used. The rest of it is. */
export type PeerProblem =
  | { readonly reason: "public_key_malformed"; readonly nodeId: string }
  /** WireGuard has one peer for a key. `by` is the node that has it. */
  | { readonly reason: "public_key_taken"; readonly nodeId: string; readonly by: string }
  | {
      readonly reason: "address_malformed" | "prefix_malformed" | "endpoint_malformed";
      readonly nodeId: string;
      /** As it was published: anything. */
      readonly text: string;
    };

/** Options of {@link peersOf}. */
export interface PeersOptions {
  /** Told of each thing that cannot be used. Must not throw. */
  readonly onProblem?: (problem: PeerProblem) => void;
}

/** Told of text that does not parse, and whose it is. */
type OnMalformed = (
  peerIndex: number,
  reason: "address_malformed" | "prefix_malformed",
  text: string,
) => void;

/**
 * Which addresses are whose: for each peer its additional addresses and node addresses, without its
 * excluded networks, with its KubeSpan address. Where two overlap the later one loses the overlap,
 * since an address leads to one peer.
 *
 * @param peers - In the order that decides.
 * @returns For each peer the fewest CIDR prefixes: IPv4 before IPv6, each by address. Text that
 *   does not parse is passed over.
 * @example
 * allowedIps([peer])[0]; // ["10.0.0.2/32", "fd7f:175a:b97c:5602:2c1a:b6ff:fe53:8169/128"]
 */
export function allowedIps(peers: readonly PeerNetworks[]): string[][] {
  return assignNetworks(peers, () => {});
}

/**
 * The peers of a node: every other affiliate that has published a public key.
 *
 * Peers are taken in the order of their node IDs, which all nodes share, so that they agree on
 * whose an address is. Where two affiliates have one key, as after a machine got a new node ID, the
 * one with the greater node ID is the peer.
 *
 * @param affiliates - In any order.
 * @param localNodeId - The node whose peers these are. Nobody with its public key is a peer of it.
 * @returns By public key, in the order of the node IDs.
 * @example
 * const affiliates = Array.from(discovery.state.affiliates.values(), ({ spec }) => spec);
 * for (const [publicKey, { allowedIps }] of peersOf(affiliates, nodeId)) console.log(publicKey, ...allowedIps);
 */
export function peersOf(
  affiliates: Iterable<AffiliateSpec>,
  localNodeId?: string,
  { onProblem = () => {} }: PeersOptions = {},
): Map<string, PeerSpec> {
  const owners = keyOwners(affiliates, localNodeId, onProblem);
  const nodes = [...owners.values()];
  const networks = assignNetworks(
    nodes.map(({ addresses, kubespan }) => ({ ...kubespan, addresses })),
    (index, reason, text) => onProblem({ reason, nodeId: nodes[index]?.nodeId ?? "", text }),
  );
  const peers = new Map<string, PeerSpec>();
  for (const [index, { nodeId, nodename, kubespan }] of nodes.entries()) {
    const onMalformed = (text: string): void =>
      onProblem({ reason: "endpoint_malformed", nodeId, text });
    peers.set(kubespan.publicKey, {
      address: scanAddress(kubespan.address) === undefined ? "" : kubespan.address,
      allowedIps: networks[index] ?? [],
      endpoints: canonicalEndpoints(kubespan.endpoints, onMalformed),
      label: nodename,
    });
  }
  return peers;
}

/** An affiliate that takes part in the mesh. */
export type MeshAffiliate = AffiliateSpec & { readonly kubespan: KubeSpanAffiliateSpec };

/**
 * Who has which public key.
 *
 * @returns By public key, in the order of the node IDs; without the local node.
 */
export function keyOwners(
  affiliates: Iterable<AffiliateSpec>,
  localNodeId: string | undefined,
  onProblem: (problem: PeerProblem) => void = () => {},
): Map<string, MeshAffiliate> {
  // The greatest node ID first, so that whoever comes later finds its key taken.
  const sorted = [...affiliates].filter(isInMesh).sort((a, b) => (a.nodeId < b.nodeId ? 1 : -1));
  const local = sorted.find(({ nodeId }) => nodeId === localNodeId);
  const owners = new Map<string, MeshAffiliate>();
  for (const affiliate of sorted) {
    const { nodeId, kubespan } = affiliate;
    if (affiliate === local) continue;
    const owner =
      kubespan.publicKey === local?.kubespan.publicKey ? local : owners.get(kubespan.publicKey);
    if (!isPublicKey(kubespan.publicKey)) onProblem({ reason: "public_key_malformed", nodeId });
    else if (owner !== undefined)
      onProblem({ reason: "public_key_taken", nodeId, by: owner.nodeId });
    else owners.set(kubespan.publicKey, affiliate);
  }
  return new Map([...owners].reverse());
}

function isInMesh(affiliate: AffiliateSpec): affiliate is MeshAffiliate {
  return affiliate.kubespan !== undefined && affiliate.kubespan.publicKey !== "";
}

function assignNetworks(peers: readonly PeerNetworks[], onMalformed: OnMalformed): string[][] {
  const taken = new PrefixSet();
  return peers.map((peer, index) => {
    const own = ownNetworks(peer, (reason, text) => onMalformed(index, reason, text));
    const free = own.without(taken);
    taken.addAll(free);
    return free.prefixes().map(formatPrefix);
  });
}

function ownNetworks(
  { address, addresses, additionalAddresses, excludeAdvertisedNetworks }: PeerNetworks,
  onMalformed: (reason: "address_malformed" | "prefix_malformed", text: string) => void,
): PrefixSet {
  const set = new PrefixSet();
  const addAddress = (text: string): void => {
    const ip = scanAddress(text);
    if (ip === undefined) onMalformed("address_malformed", text);
    else if (!hasZone(ip)) set.add({ ip, bits: ip.length * 8 });
  };
  const forEachPrefix = (texts: readonly string[], use: (prefix: Prefix) => void): void => {
    for (const text of texts) {
      const prefix = tryParse(parsePrefix, text);
      if (prefix === undefined) onMalformed("prefix_malformed", text);
      else use(prefix);
    }
  };
  forEachPrefix(additionalAddresses, (prefix) => set.add(prefix));
  addresses.forEach(addAddress);
  forEachPrefix(excludeAdvertisedNetworks, (prefix) => set.remove(prefix));
  if (address !== "") addAddress(address);
  return set;
}

function canonicalEndpoints(
  texts: readonly string[],
  onMalformed: (text: string) => void,
): string[] {
  const endpoints = new Set<string>();
  for (const text of texts) {
    const endpoint = tryParse(parseEndpoint, text);
    // Nobody listens at port 0, and a zone is of another machine.
    if (endpoint === undefined || endpoint.port === 0 || hasZone(endpoint.ip)) {
      onMalformed(text);
    } else endpoints.add(formatEndpoint(endpoint));
  }
  return [...endpoints];
}

/** The text is another node's: what does not parse is no error here. */
function tryParse<T>(parse: (text: string) => T, text: string): T | undefined {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}
