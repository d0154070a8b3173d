/**
 * Who is who on loopback: all of 127.0.0.0/8 is this machine, so that each caller may have an address of its own.
 * @module
 */

/** Where services listen. */
export const SERVICE_HOST = "127.0.0.1";

/** From where one attacker calls. */
export const ATTACKER = "127.0.0.5";

/** Of nodes that do nothing wrong. */
export const GOOD_NODE = "127.0.0.200";
export const GOOD_READER = "127.0.0.201";

/** Somebody who comes after an attack, and has never called before. */
export const NEWCOMER = "127.0.0.220";

/** A proxy that a service trusts, for attackers with networks of IPv6. */
export const TRUSTED_PROXY = "127.0.0.9";

/** Address `index` of many, for attackers with more than one, and for those who fill clusters. */
export function manyAddresses(index: number, network = 1): string {
  return `127.${network}.${(index >> 8) & 255}.${index & 255 || 1}`;
}
