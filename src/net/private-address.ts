/**
 * Addresses that mean something inside a network only.
 * @module
 */
import { scanAddress, unmapAddress } from "./address.ts";
import { contains, type Prefix, parsePrefix } from "./prefix.ts";

/** Private networks, shared address space (RFC 6598), link-local and loopback. */
const PRIVATE: readonly Prefix[] = /* @__PURE__ */ [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10",
  "169.254.0.0/16",
  "127.0.0.0/8",
  "fc00::/7",
  "fe80::/10",
  "::1/128",
].map(parsePrefix);

/**
 * Whether an address cannot be reached from the internet.
 *
 * @param text - An IP, also IPv4-mapped or with a zone; anything else is not private.
 */
export function isPrivateAddress(text: string): boolean {
  const address = scanAddress(text);
  if (address === undefined) return false;
  const ip = unmapAddress(address.subarray(0, 16));
  return PRIVATE.some((prefix) => contains(prefix, ip));
}
