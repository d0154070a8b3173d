/**
 * Where a node says it may be reached, and which endpoints of others it tries.
 * @module
 */
import { hasZone, parseAddress } from "../net/address.ts";
import { parseAddressFilter, passesFilter } from "../net/address-filter.ts";
import { formatEndpoint, parseEndpoint } from "../net/endpoint.ts";
import { contains, type Prefix, parsePrefix } from "../net/prefix.ts";
import { uniqueLocalPurpose } from "./subnet.ts";

/** UDP port of WireGuard under KubeSpan. */
export const KUBESPAN_PORT = 51_820;

const LOOPBACK: readonly Prefix[] = /* @__PURE__ */ ["127.0.0.0/8", "::1/128"].map(parsePrefix);

/** What a node's endpoints are made of. */
export interface OwnEndpointsSource {
  /** The node's current addresses. */
  readonly addresses: readonly string[];
  /** The node's address as a discovery service sees it. */
  readonly publicAddress?: string | undefined;
  /**
   * `filters.endpoints`: an address has to be in one of these CIDR prefixes, where there are any,
   * and in none of those with `!` in front. @default all
   */
  readonly filter?: readonly string[] | undefined;
  /** `extraAnnouncedEndpoints`: `IP:port`, which no filter touches. */
  readonly extraEndpoints?: readonly string[] | undefined;
  /** @default 51820 */
  readonly port?: number | undefined;
}

/**
 * The endpoints that a node publishes.
 *
 * Left out are addresses that lead through a tunnel themselves (KubeSpan's and SideroLink's), at
 * which a service in the mesh may see a node too, and those that mean nothing elsewhere: with a
 * zone, and of the loopback.
 *
 * @returns `IP:port`, each once: addresses, the public one, then extra endpoints.
 * @throws {DiscoveryError} `ERR_ADDRESS_INVALID`, `ERR_PREFIX_INVALID` or `ERR_ENDPOINT_INVALID`
 *   for text that does not parse.
 * @example
 * ownEndpoints({ addresses: ["10.0.0.1", "192.168.0.1"], publicAddress: "192.0.2.1", filter: ["!192.168.0.0/16"] });
 * // ["10.0.0.1:51820", "192.0.2.1:51820"]
 */
export function ownEndpoints({
  addresses,
  publicAddress,
  filter = [],
  extraEndpoints = [],
  port = KUBESPAN_PORT,
}: OwnEndpointsSource): string[] {
  const addressFilter = parseAddressFilter(filter);
  const endpoints = [...addresses, ...(publicAddress === undefined ? [] : [publicAddress])]
    .map(parseAddress)
    .filter((ip) => isReachable(ip) && passesFilter(addressFilter, ip))
    .map((ip) => ({ ip, port }));
  return [...new Set([...endpoints, ...extraEndpoints.map(parseEndpoint)].map(formatEndpoint))];
}

/**
 * The endpoints of another node that this one tries.
 *
 * @param endpoints - `IP:port`, as in a `PeerSpec`.
 * @param filter - `filters.peerEndpoints`, in the form of `filter` above.
 * @throws {DiscoveryError} `ERR_PREFIX_INVALID`, `ERR_ENDPOINT_INVALID`.
 */
export function filterPeerEndpoints(
  endpoints: readonly string[],
  filter: readonly string[],
): string[] {
  const addressFilter = parseAddressFilter(filter);
  return endpoints.filter((text) => passesFilter(addressFilter, parseEndpoint(text).ip));
}

/** By WireGuard's packets, from elsewhere. */
function isReachable(ip: Uint8Array): boolean {
  const purpose = uniqueLocalPurpose(ip);
  return (
    !hasZone(ip) &&
    purpose !== "kubespan" &&
    purpose !== "siderolink" &&
    !LOOPBACK.some((prefix) => contains(prefix, ip))
  );
}
