/**
 * Which networks a member of the mesh may draw to itself on a machine that is not Talos.
 *
 * A Talos node routes whatever a peer advertises, to that peer. Here a member gets its own
 * addresses, and more only if the operator has named it: else one member could take all traffic of
 * the machine, with `0.0.0.0/0` or with the two halves of it.
 * @module
 */
import { formatAddress, hasZone, scanAddress } from "../../net/address.ts";
import { contains, formatPrefix, type Prefix, parsePrefix } from "../../net/prefix.ts";
import { quote } from "../../net/quote.ts";
import type { AffiliateSpec } from "../../resources/index.ts";
import { shortList } from "../text.ts";
import { containsPrefix, isPublicAddress, unusableNetwork } from "./address-kind.ts";

/** Networks in a notice. */
const MAX_SHOWN_NETWORKS = 5;

/** What a machine lets its peers have. */
export interface MeshRules {
  /** The cluster's KubeSpan subnet. */
  readonly subnet: Prefix;
  /** Networks that the operator has named. A default route is allowed by itself alone. */
  readonly allowed: readonly Prefix[];
  /** Binary form: where this machine sends what it has no other route for. */
  readonly gateways: readonly Uint8Array[];
}

/** A member with what it may have, and what there is to say about it. */
export interface LimitedAffiliate {
  readonly affiliate: AffiliateSpec;
  /** What it may not have, a line each. */
  readonly refused: readonly string[];
  /** What it has and somebody should look at, a line each. */
  readonly remarkable: readonly string[];
}

/**
 * Takes away the networks that a member may not have. Text that does not parse stays, and is no
 * network.
 */
export function limitNetworks(affiliate: AffiliateSpec, rules: MeshRules): LimitedAffiliate {
  const { kubespan } = affiliate;
  if (kubespan === undefined) return { affiliate, refused: [], remarkable: [] };
  const isAllowed = (prefix: Prefix): boolean =>
    rules.allowed.some((network) => containsPrefix(network, prefix));
  const useless: string[] = [];
  const beyond: string[] = [];
  const taken: Prefix[] = [];

  // Whoever lists a KubeSpan address outside the subnet could list it as a node address.
  const isOwnAddress = (text: string): boolean => {
    const prefix = hostPrefixOf(text);
    if (prefix === undefined) return true;
    const network = unusableNetwork(prefix.ip);
    const isKept = network === undefined || isAllowed(prefix);
    if (isKept) taken.push(prefix);
    else useless.push(`${formatAddress(prefix.ip)} (${network.kind})`);
    return isKept;
  };
  const addresses = affiliate.addresses.filter(isOwnAddress);
  const address = isOwnAddress(kubespan.address) ? kubespan.address : "";
  const isOwn = (prefix: Prefix): boolean => taken.some((own) => containsPrefix(own, prefix));

  const additionalAddresses = kubespan.additionalAddresses.filter((text) => {
    const prefix = scanPrefix(text);
    if (prefix === undefined) return true;
    const isKept = containsPrefix(rules.subnet, prefix) || isOwn(prefix) || isAllowed(prefix);
    if (isKept) taken.push(prefix);
    else beyond.push(formatPrefix(prefix));
    return isKept;
  });

  const publicAddresses = taken
    .filter((prefix) => isHost(prefix) && isPublicAddress(prefix.ip) && !isAllowed(prefix))
    .map(({ ip }) => formatAddress(ip));
  const gateways = rules.gateways
    .filter((gateway) => taken.some((prefix) => contains(prefix, gateway)))
    .map(formatAddress);
  return {
    affiliate: {
      ...affiliate,
      addresses,
      kubespan: { ...kubespan, address, additionalAddresses },
    },
    refused: [
      ...line("not routed to it, no --allowed-network has", beyond),
      ...line("not routed to it, cannot be another node's:", useless),
    ],
    remarkable: [
      ...line("routed to it, the address of this machine's default gateway:", gateways),
      ...line("routed to it, public addresses:", publicAddresses),
    ],
  };
}

/** The name of a member in front is the caller's. */
function line(what: string, items: readonly string[]): string[] {
  const shown = [...new Set(items)];
  return shown.length === 0 ? [] : [`${what} ${shortList(shown, MAX_SHOWN_NETWORKS)}`];
}

/** Reads `--allowed-network`. */
export function parseAllowedNetwork(text: string): Prefix {
  const prefix = scanPrefix(text);
  if (prefix !== undefined) return prefix;
  throw new RangeError(`invalid network ${quote(text)}: expected a prefix such as 10.244.0.0/16`);
}

function isHost({ ip, bits }: Prefix): boolean {
  return bits === ip.length * 8;
}

/** A zone means something on the node's own machine only: such an address is no route. */
function hostPrefixOf(text: string): Prefix | undefined {
  const ip = scanAddress(text);
  return ip === undefined || hasZone(ip) ? undefined : { ip, bits: ip.length * 8 };
}

function scanPrefix(text: string): Prefix | undefined {
  try {
    return parsePrefix(text);
  } catch {
    return undefined;
  }
}
