/**
 * Text of addresses as everybody prints it, so that equal ones are equal text. Each throws as the
 * parser does.
 * @module
 */
import { formatAddress, parseAddress } from "./address.ts";
import { formatEndpoint, parseEndpoint } from "./endpoint.ts";
import { formatPrefix, parsePrefix } from "./prefix.ts";

/** `canonicalAddress("FD00:0::1")` is `fd00::1`. */
export function canonicalAddress(text: string): string {
  return formatAddress(parseAddress(text));
}

/** `canonicalPrefix("FD00:0::/8")` is `fd00::/8`; bits that do not count are kept. */
export function canonicalPrefix(text: string): string {
  return formatPrefix(parsePrefix(text));
}

/** `canonicalEndpoint("[FD00::1]:051820")` is `[fd00::1]:51820`. */
export function canonicalEndpoint(text: string): string {
  return formatEndpoint(parseEndpoint(text));
}
