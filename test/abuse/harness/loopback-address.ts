/**
 * Addresses of callers: all of 127.0.0.0/8 is this machine, so each caller has an address of its
 * own.
 * @module
 */

/** Listen address of services. */
export const SERVICE_HOST = "127.0.0.1";
/** Address of services that listen on IPv6 too, for callers with an address of IPv6. */
export const SERVICE_HOST_IPV6 = "::1";

/** Address of a single attacker. */
export const ATTACKER = "127.0.0.5";
/** The only one of IPv6 on every machine. */
export const ATTACKER_IPV6 = "::1";

/** Addresses of the good node. */
export const GOOD_NODE = "127.0.0.200";
export const GOOD_READER = "127.0.0.201";

/** A client that calls for the first time after an attack. */
export const NEWCOMER = "127.0.0.220";

/** A proxy that a service trusts, for attackers with networks of IPv6. */
export const TRUSTED_PROXY = "127.0.0.9";

/** Address `index` of many, for attackers with more than one, and for those who fill clusters. */
export function manyAddresses(index: number, network = 1): string {
  return `127.${network}.${(index >> 8) & 255}.${index & 255 || 1}`;
}
