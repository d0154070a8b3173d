/**
 * What an IP address is for, as far as that decides whether a member's address is used.
 * @module
 */
import { unmapAddress } from "../../net/address.ts";
import { contains, type Prefix, parsePrefix } from "../../net/prefix.ts";

/** A network whose addresses never lead to another node of the cluster. */
export interface UnusableNetwork {
  readonly kind: "loopback" | "link-local" | "unspecified" | "multicast" | "reserved";
  readonly prefix: Prefix;
}

/** @see RFC 6890 for IPv4 and IPv6, RFC 4291 section 2.4. */
const UNUSABLE: readonly UnusableNetwork[] = (
  [
    ["unspecified", "0.0.0.0/8", "::/128"],
    ["loopback", "127.0.0.0/8", "::1/128"],
    // 169.254.169.254 answers with a machine's credentials in most clouds.
    ["link-local", "169.254.0.0/16", "fe80::/10"],
    ["multicast", "224.0.0.0/4", "ff00::/8"],
    ["reserved", "240.0.0.0/4"],
  ] as const
).flatMap(([kind, ...texts]) => texts.map((text) => ({ kind, prefix: parsePrefix(text) })));

/** Networks of their own: nobody reaches these over the internet. */
const PRIVATE: readonly Prefix[] = [
  ...["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
  "100.64.0.0/10",
  "fc00::/7",
].map(parsePrefix);

/**
 * The network that makes an address useless as another node's.
 *
 * @param ip - Binary form, without a zone. IPv4-mapped ones count as IPv4.
 * @returns `undefined` for an address that may be a node's.
 */
export function unusableNetwork(ip: Uint8Array): UnusableNetwork | undefined {
  const plain = unmapAddress(ip);
  return UNUSABLE.find(({ prefix }) => contains(prefix, plain));
}

/** Whether an address is one of the internet's. @param ip - As for {@link unusableNetwork}. */
export function isPublicAddress(ip: Uint8Array): boolean {
  const plain = unmapAddress(ip);
  return unusableNetwork(plain) === undefined && !PRIVATE.some((prefix) => contains(prefix, plain));
}

/** Whether all addresses of `inner` are in `outer`. */
export function containsPrefix(outer: Prefix, inner: Prefix): boolean {
  return outer.bits <= inner.bits && contains(outer, inner.ip);
}
