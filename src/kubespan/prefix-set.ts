/**
 * A set of IP addresses as sorted ranges, put in and taken out by the prefix.
 *
 * Ranges of one family never touch, so that the prefixes they fall into are the fewest there are. A
 * change costs a binary search and the ranges it meets.
 * @module
 */
import type { ParsedPrefix, Prefix } from "../net/prefix.ts";

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;

/** Addresses as numbers, both ends included. 128 bits are exact in a `bigint` only. */
interface AddressRange {
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * A set of addresses. Families are apart: an IPv4-mapped address is one of IPv6, as in Go's
 * `netip`.
 *
 * @example
 * const set = new PrefixSet();
 * set.add(parsePrefix("10.0.0.0/30"));
 * set.remove(parsePrefix("10.0.0.0/32"));
 * set.prefixes().map(formatPrefix); // ["10.0.0.1/32", "10.0.0.2/31"]
 */
export class PrefixSet {
  readonly #ipv4: AddressRange[] = [];
  readonly #ipv6: AddressRange[] = [];

  /** @param prefix - Bits beyond its length mean nothing. */
  add(prefix: Prefix): void {
    addRange(this.#familyOf(prefix), rangeOf(prefix));
  }

  /** @param prefix - Need not be in the set. */
  remove(prefix: Prefix): void {
    removeRange(this.#familyOf(prefix), rangeOf(prefix));
  }

  /** Puts in all that the other set has. */
  addAll(other: PrefixSet): void {
    for (const range of other.#ipv4) addRange(this.#ipv4, range);
    for (const range of other.#ipv6) addRange(this.#ipv6, range);
  }

  /** What is in this set and not in the other: a new set. */
  without(other: PrefixSet): PrefixSet {
    const rest = new PrefixSet();
    rest.#ipv4.push(...differenceOf(this.#ipv4, other.#ipv4));
    rest.#ipv6.push(...differenceOf(this.#ipv6, other.#ipv6));
    return rest;
  }

  /** The fewest prefixes that hold just these addresses: IPv4 before IPv6, each by address. */
  prefixes(): ParsedPrefix[] {
    return [
      ...this.#ipv4.flatMap((range) => prefixesOf(range, IPV4_BYTES)),
      ...this.#ipv6.flatMap((range) => prefixesOf(range, IPV6_BYTES)),
    ];
  }

  #familyOf({ ip }: Prefix): AddressRange[] {
    return ip.length === IPV4_BYTES ? this.#ipv4 : this.#ipv6;
  }
}

function addRange(ranges: AddressRange[], { first, last }: AddressRange): void {
  // Neighbours that only touch become one range too.
  const from = indexEndingAt(ranges, first - 1n);
  const to = indexStartingAfter(ranges, last + 1n, from);
  const lowest = ranges[from];
  const highest = ranges[to - 1];
  const isAlone = from === to || lowest === undefined || highest === undefined;
  const merged = isAlone
    ? { first, last }
    : {
        first: lowest.first < first ? lowest.first : first,
        last: highest.last > last ? highest.last : last,
      };
  ranges.splice(from, to - from, merged);
}

function removeRange(ranges: AddressRange[], range: AddressRange): void {
  const from = indexEndingAt(ranges, range.first);
  const to = indexStartingAfter(ranges, range.last, from);
  ranges.splice(from, to - from, ...differenceOf(ranges.slice(from, to), [range]));
}

/**
 * What of `ranges` is in none of `others`. Each looks up what it meets, so that few against many
 * cost little.
 */
function differenceOf(
  ranges: readonly AddressRange[],
  others: readonly AddressRange[],
): AddressRange[] {
  return ranges.flatMap(({ first, last }) => {
    const from = indexEndingAt(others, first);
    const to = indexStartingAfter(others, last, from);
    const rest: AddressRange[] = [];
    let next = first;
    for (const other of others.slice(from, to)) {
      if (next < other.first) rest.push({ first: next, last: other.first - 1n });
      next = other.last + 1n;
    }
    if (next <= last) rest.push({ first: next, last });
    return rest;
  });
}

/** Index of the first range that ends at `address` or after it. */
function indexEndingAt(ranges: readonly AddressRange[], address: bigint): number {
  return indexWhere(ranges, 0, (range) => range.last >= address);
}

/** Index of the first range, from `start` on, that starts after `address`. */
function indexStartingAfter(
  ranges: readonly AddressRange[],
  address: bigint,
  start: number,
): number {
  return indexWhere(ranges, start, (range) => range.first > address);
}

/** The first index whose range holds `isReached`, which once true stays so. */
function indexWhere(
  ranges: readonly AddressRange[],
  start: number,
  isReached: (range: AddressRange) => boolean,
): number {
  let low = start;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const range = ranges[middle];
    if (range !== undefined && isReached(range)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function rangeOf({ ip, bits }: Prefix): AddressRange {
  const hostBits = BigInt(ip.length * 8 - bits);
  const first = (numberOf(ip) >> hostBits) << hostBits;
  return { first, last: first + (1n << hostBits) - 1n };
}

function prefixesOf({ first, last }: AddressRange, bytes: number): ParsedPrefix[] {
  const prefixes: ParsedPrefix[] = [];
  let next = first;
  while (next <= last) {
    // The largest block that begins here, and ends within the range.
    let bits = bytes * 8;
    let size = 1n;
    while (bits > 0 && (next & size) === 0n && next + 2n * size - 1n <= last) {
      size *= 2n;
      bits--;
    }
    prefixes.push({ ip: bytesOf(next, bytes), bits });
    next += size;
  }
  return prefixes;
}

function numberOf(ip: Uint8Array): bigint {
  const view = new DataView(ip.buffer, ip.byteOffset, ip.byteLength);
  if (ip.length === IPV4_BYTES) return BigInt(view.getUint32(0));
  return (view.getBigUint64(0) << 64n) | view.getBigUint64(8);
}

function bytesOf(number: bigint, bytes: number): Uint8Array<ArrayBuffer> {
  const ip = new Uint8Array(bytes);
  const view = new DataView(ip.buffer);
  if (bytes === IPV4_BYTES) view.setUint32(0, Number(number));
  else {
    view.setBigUint64(0, number >> 64n);
    view.setBigUint64(8, BigInt.asUintN(64, number));
  }
  return ip;
}
