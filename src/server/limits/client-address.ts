/**
 * Which IP a caller has, also behind proxies that the operator trusts.
 *
 * Anyone can send a header, so headers count only where the connection itself comes from a named proxy.
 * @module
 */
import { parseAddress, unmapAddress } from "../../net/address.ts";
import { contains, type Prefix, parsePrefix } from "../../net/prefix.ts";

/** Which headers of a trusted proxy count: a proxy that does not set one passes on what a stranger sent in it. */
export interface ClientHeaders {
  /** Whether `X-Real-IP` is believed, from trusted proxies. @default true */
  readonly trustXRealIp?: boolean | undefined;
  /** Whether the first entry of `X-Forwarded-For` is believed, from trusted proxies. @default true */
  readonly trustFirstXForwardedFor?: boolean | undefined;
}

/**
 * Reads the operator's list of proxies.
 *
 * @param cidrs - `10.0.0.0/8`, `fd00::/8`; a single address stands for itself. IPv4-mapped prefixes of at least 96 bits
 *   are taken as IPv4, since connections are compared that way.
 * @throws {DiscoveryError} `ERR_PREFIX_INVALID` or `ERR_ADDRESS_INVALID`, with the text that does not parse.
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
 * The caller's address: from a trusted proxy `X-Real-IP`, else the first entry of `X-Forwarded-For`, else the peer. A
 * value that is no plain address, also one with a port, is passed over.
 *
 * @param peerAddress - IP at the other end of the connection as the runtime prints it, where it is known.
 * @returns 4 or 16 bytes, IPv4 also where a dual-stack socket has it mapped; `undefined` where nothing is known.
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
