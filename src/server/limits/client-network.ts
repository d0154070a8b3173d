/**
 * Which callers count as one, where each may have only so much: an IPv4 address, or an IPv6 network of 64 bits, of which
 * one machine has all addresses to itself.
 *
 * In two numbers of 32 bits, which cost a busy service nothing to make, to hash and to compare.
 * @module
 */
import { unmapAddress } from "../../net/address.ts";

const IPV4_BYTES = 4;

/** In front of an IPv4 address. `ffff:ffff::` is multicast, from which nobody calls. */
const IPV4_HIGH = 0xffff_ffff;

/** @param ip - 4 or 16 bytes; IPv4-mapped IPv6 is IPv4. */
export function networkHigh(ip: Uint8Array): number {
  return unmapAddress(ip).length === IPV4_BYTES ? IPV4_HIGH : uint32(ip, 0);
}

/** @param ip - 4 or 16 bytes; IPv4-mapped IPv6 is IPv4. */
export function networkLow(ip: Uint8Array): number {
  const unmapped = unmapAddress(ip);
  return uint32(unmapped, unmapped.length === IPV4_BYTES ? 0 : 4);
}

/** Both numbers as one key, for what is looked up less often. */
export function networkKey(ip: Uint8Array): string {
  return `${networkHigh(ip)}/${networkLow(ip)}`;
}

function uint32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const low = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  return high * 0x1_0000 + low;
}
