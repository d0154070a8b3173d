/**
 * CIDR prefixes between text and bytes, as Go's `netip.Prefix` has them.
 * @module
 */
import { DiscoveryError } from "../errors.ts";
import { formatAddress, scanAddress } from "./address.ts";
import { quote } from "./quote.ts";

/** An address and the number of its bits that count. The other bits are kept, not cleared. */
export interface Prefix {
  /** 4 or 16 bytes, without a zone. */
  readonly ip: Uint8Array;
  /** 0 to 32 or 128. */
  readonly bits: number;
}

/** A prefix whose address has a buffer of its own. */
export interface ParsedPrefix extends Prefix {
  readonly ip: Uint8Array<ArrayBuffer>;
}

/**
 * Reads a prefix as `netip.ParsePrefix` does.
 *
 * @throws {DiscoveryError} `ERR_PREFIX_INVALID`, also for a zone, and for bits with a leading zero
 *   or sign.
 * @example
 * parsePrefix("10.0.0.1/8"); // { ip: Uint8Array [10, 0, 0, 1], bits: 8 }
 */
export function parsePrefix(text: string): ParsedPrefix {
  const slash = text.lastIndexOf("/");
  const bitsText = text.slice(slash + 1);
  if (slash >= 0 && /^(?:0|[1-9][0-9]{0,2})$/.test(bitsText)) {
    const ip = scanAddress(text.slice(0, slash));
    const bits = Number(bitsText);
    if (ip !== undefined && isPrefix(ip.length, bits)) return { ip, bits };
  }
  throw new DiscoveryError("ERR_PREFIX_INVALID", `${quote(text)} is not a prefix like 10.0.0.0/8`);
}

/**
 * Prints a prefix as `netip.Prefix.String` does.
 *
 * @throws {DiscoveryError} `ERR_PREFIX_INVALID` for an address of another size, or too many bits
 *   for it.
 */
export function formatPrefix(prefix: Prefix): string {
  if (!isPrefix(prefix.ip.length, prefix.bits)) {
    throw new DiscoveryError(
      "ERR_PREFIX_INVALID",
      `prefix of ${prefix.bits} bits over an address of ${prefix.ip.length} bytes`,
    );
  }
  return `${formatAddress(prefix.ip)}/${prefix.bits}`;
}

/**
 * Whether an address is within a prefix, as `netip.Prefix.Contains` says: families never mix, not
 * even for an IPv4-mapped address (see `unmapAddress`), and an address with a zone is in no prefix.
 *
 * @param address - Binary form.
 */
export function contains(prefix: Prefix, address: Uint8Array): boolean {
  if (address.length !== prefix.ip.length || !isPrefix(address.length, prefix.bits)) return false;
  const wholeBytes = prefix.bits >> 3;
  for (let i = 0; i < wholeBytes; i++) if (address[i] !== prefix.ip[i]) return false;
  const restBits = prefix.bits & 7;
  if (restBits === 0) return true;
  return ((address[wholeBytes] ?? 0) ^ (prefix.ip[wholeBytes] ?? 0)) >> (8 - restBits) === 0;
}

function isPrefix(ipBytes: number, bits: number): boolean {
  return (ipBytes === 4 || ipBytes === 16) && bits >= 0 && bits <= ipBytes * 8;
}
