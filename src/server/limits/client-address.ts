/**
 * Which IP a caller has, also behind proxies that the operator trusts, and which callers count as
 * one client.
 *
 * Anyone can send a header, so headers count only if the connection itself comes from a named
 * proxy. One client is an IPv4 address, or an IPv6 network of 64 bits, of which one machine has all
 * addresses to itself. It is two numbers of 32 bits: cheap to make, to hash and to compare.
 * @module
 */
import { parseAddress, unmapAddress } from "../../net/address.ts";
import { contains, type Prefix, parsePrefix } from "../../net/prefix.ts";
import type { RegistryClient } from "../../registry/registry.ts";

const IPV4_BYTES = 4;

/** The first number of an IPv4 address. `ffff:ffff::` is multicast, which is never a source. */
const IPV4_HIGH = 0xffff_ffff;

/**
 * Which headers of a trusted proxy count: a proxy that does not set one passes on what a stranger
 * sent in it.
 */
export interface ClientHeaders {
  /** Whether `X-Real-IP` is believed, from trusted proxies. @default true */
  readonly trustXRealIp?: boolean | undefined;
  /**
   * Whether the first entry of `X-Forwarded-For` is believed, from trusted proxies. @default true
   */
  readonly trustFirstXForwardedFor?: boolean | undefined;
}

/**
 * Reads the operator's list of proxies.
 *
 * @param cidrs - `10.0.0.0/8`, `fd00::/8`; a single address stands for itself. IPv4-mapped prefixes
 *   of at least 96 bits are taken as IPv4, since connections are compared that way.
 * @throws {DiscoveryError} `ERR_PREFIX_INVALID` or `ERR_ADDRESS_INVALID`, with the text that does
 *   not parse.
 */
export function parseTrustedProxies(cidrs: readonly string[]): readonly Prefix[] {
  return cidrs.map((text) => {
    const { ip, bits } = text.includes("/") ? parsePrefix(text) : wholeAddress(text);
    const unmapped = unmapAddress(ip);
    const cutBits = 8 * (ip.length - unmapped.length);
    return bits >= cutBits ? { ip: unmapped, bits: bits - cutBits } : { ip, bits };
  });
}

/**
 * The caller's address: from a trusted proxy `X-Real-IP`, else the first entry of
 * `X-Forwarded-For`, else the peer. A value that is no plain address, also one with a port, is
 * passed over.
 *
 * @param peerAddress - IP at the other end of the connection as the runtime prints it, where it is
 *   known.
 * @returns 4 or 16 bytes, IPv4 also where a dual-stack socket has it mapped; `undefined` where
 *   nothing is known.
 */
export function clientAddress(
  headers: Pick<Headers, "get">,
  peerAddress: string | undefined,
  trustedProxies: readonly Prefix[],
  { trustXRealIp = true, trustFirstXForwardedFor = true }: ClientHeaders = {},
): Uint8Array | undefined {
  const peer = plainAddress(peerAddress);
  if (peer === undefined || !trustedProxies.some((prefix) => contains(prefix, peer))) return peer;
  const realIp = trustXRealIp ? plainAddress(headers.get("x-real-ip")) : undefined;
  if (realIp !== undefined || !trustFirstXForwardedFor) return realIp ?? peer;
  return plainAddress(headers.get("x-forwarded-for")?.split(",", 1)[0]) ?? peer;
}

/**
 * First number of a client.
 *
 * @param ip - 4 or 16 bytes; IPv4-mapped IPv6 is IPv4.
 */
export function networkHigh(ip: Uint8Array): number {
  return unmapAddress(ip).length === IPV4_BYTES ? IPV4_HIGH : uint32(ip, 0);
}

/**
 * Second number of a client.
 *
 * @param ip - 4 or 16 bytes; IPv4-mapped IPv6 is IPv4.
 */
export function networkLow(ip: Uint8Array): number {
  const unmapped = unmapAddress(ip);
  return uint32(unmapped, unmapped.length === IPV4_BYTES ? 0 : 4);
}

/** Both numbers as one key, for lookups that are less frequent. */
export function networkKey(ip: Uint8Array): string {
  return `${networkHigh(ip)}/${networkLow(ip)}`;
}

/**
 * Whom clusters and affiliates of a caller count against.
 *
 * @param ip - 4 or 16 bytes.
 */
export function registryClient(ip: Uint8Array | undefined): RegistryClient | undefined {
  if (ip === undefined) return undefined;
  const high = networkHigh(ip);
  const low = networkLow(ip);
  const client = `${high}/${low}`;
  return high === IPV4_HIGH ? { client } : { client, network: `${high}/${low >>> 16}/48` };
}

/** Unmapped and without a zone, which means something on one machine only. */
function plainAddress(text: string | null | undefined): Uint8Array | undefined {
  if (text === null || text === undefined) return undefined;
  try {
    return unmapAddress(parseAddress(text.trim()).subarray(0, 16));
  } catch {
    return undefined;
  }
}

function wholeAddress(text: string): Prefix {
  const ip = parseAddress(text);
  return { ip: ip.subarray(0, 16), bits: 8 * Math.min(ip.length, 16) };
}

function uint32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const low = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  return high * 0x1_0000 + low;
}
