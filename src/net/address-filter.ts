/**
 * Which addresses are meant: a list of prefixes, some of them negated.
 * @module
 */
import { unmapAddress } from "./address.ts";
import { contains, type Prefix, parsePrefix } from "./prefix.ts";

/** Prefixes to choose addresses by. */
export interface AddressFilter {
  /** An address is in one of these; any address where there are none. */
  readonly included: readonly Prefix[];
  /** An address is in none of these, whatever else it is in. */
  readonly excluded: readonly Prefix[];
}

/**
 * Reads a filter, in which order means nothing.
 *
 * @param texts - `10.0.0.0/8`, or `!10.1.0.0/16` for what is not meant.
 * @throws {DiscoveryError} `ERR_PREFIX_INVALID`.
 * @example
 * passesFilter(parseAddressFilter(["10.0.0.0/8", "!10.1.0.0/16"]), parseAddress("10.1.0.1")); // false
 */
export function parseAddressFilter(texts: readonly string[]): AddressFilter {
  const isNegated = (text: string) => text.startsWith("!");
  return {
    included: texts.filter((text) => !isNegated(text)).map(parsePrefix),
    excluded: texts.filter(isNegated).map((text) => parsePrefix(text.slice(1))),
  };
}

/**
 * @param address - Binary form. An IPv4-mapped one counts as IPv4; one with a zone is in no prefix.
 */
export function passesFilter({ included, excluded }: AddressFilter, address: Uint8Array): boolean {
  const plain = unmapAddress(address);
  const isIn = (prefix: Prefix) => contains(prefix, plain);
  return (included.length === 0 || included.some(isIn)) && !excluded.some(isIn);
}
