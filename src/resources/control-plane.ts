/**
 * Where a cluster's control plane and its API servers are reached, as members tell.
 * @module
 */
import { compareAddresses, formatAddress, scanAddress } from "../net/address.ts";
import { type AddressPort, formatEndpoint, MAX_PORT } from "../net/endpoint.ts";
import type { MemberSpec } from "./member.ts";

/**
 * The addresses of all members of type `controlplane` or `init`.
 *
 * @returns IPs in canonical text, each once, in the order of Go's `netip`: IPv4 first, then by
 *   value. What is no address is left out.
 * @example
 * controlPlaneEndpoints(membersOf(affiliates).values()); // ["172.20.0.2", "172.20.0.3"]
 */
export function controlPlaneEndpoints(members: Iterable<MemberSpec>): string[] {
  const addresses = new Map<string, Uint8Array>();
  for (const { machineType, addresses: texts } of members) {
    if (machineType !== "controlplane" && machineType !== "init") continue;
    for (const ip of readAddresses(texts)) addresses.set(formatAddress(ip), ip);
  }
  return [...addresses].sort(([, a], [, b]) => compareAddresses(a, b)).map(([text]) => text);
}

/**
 * Every address of every member that has an API server, with its port: what KubePrism balances
 * between.
 *
 * @returns `IP:port`, `[IP]:port` for IPv6, each once, sorted by address and then port. What is no
 *   address or no port is left out.
 * @example
 * apiServerEndpoints(membersOf(affiliates).values()); // ["172.20.0.2:6443", "172.20.0.3:6443"]
 */
export function apiServerEndpoints(members: Iterable<MemberSpec>): string[] {
  const endpoints = new Map<string, AddressPort>();
  for (const { controlPlane, addresses } of members) {
    const port = controlPlane?.port ?? 0;
    if (!Number.isInteger(port) || port < 1 || port > MAX_PORT) continue;
    for (const ip of readAddresses(addresses)) {
      endpoints.set(formatEndpoint({ ip, port }), { ip, port });
    }
  }
  return [...endpoints]
    .sort(([, a], [, b]) => compareAddresses(a.ip, b.ip) || a.port - b.port)
    .map(([text]) => text);
}

function readAddresses(texts: readonly string[]): Uint8Array[] {
  return texts.map(scanAddress).filter((address) => address !== undefined);
}
