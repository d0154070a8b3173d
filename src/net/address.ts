/**
 * IP addresses between their text and their bytes, both as Go's `net/netip` has them, which is what
 * other nodes run.
 *
 * Bytes: 4 for IPv4; 16 for IPv6, IPv4-mapped ones included; 16 and the zone's name in UTF-8 for
 * one with a zone. Text: RFC 5952 in lower case, `::ffff:192.0.2.1` for IPv4-mapped addresses,
 * `fe80::1%eth0` for zones.
 * @module
 */
import { DiscoveryError } from "../errors.ts";
import { quote } from "./quote.ts";

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;

/** Where an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) has its IPv4 address. */
const MAPPED_OFFSET = 12;

const DOT = 0x2e;
const COLON = 0x3a;
const PERCENT = 0x25;

/**
 * Reads an address as `netip.ParseAddr` does: no leading zeros in the numbers of IPv4, no brackets,
 * no prefix.
 *
 * @returns 4 bytes, 16 bytes, or 16 bytes and a zone's name, in a buffer of their own.
 * @throws {DiscoveryError} `ERR_ADDRESS_INVALID`.
 * @example
 * parseAddress("fe80::1%eth0").length; // 20
 */
export function parseAddress(text: string): Uint8Array<ArrayBuffer> {
  const address = scanAddress(text);
  if (address === undefined) {
    throw new DiscoveryError("ERR_ADDRESS_INVALID", `${quote(text)} is not an IP address`);
  }
  return address;
}

/**
 * As {@link parseAddress}, but `undefined` for text that is no address: for text that a stranger
 * may have sent.
 */
export function scanAddress(text: string): Uint8Array<ArrayBuffer> | undefined {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === PERCENT) return undefined;
    if (code === DOT) {
      const address = new Uint8Array(IPV4_BYTES);
      return scanIpv4(text, 0, text.length, address, 0) ? address : undefined;
    }
    if (code === COLON) return scanZonedIpv6(text);
  }
  return undefined;
}

/**
 * Prints an address as `netip.Addr.String` does.
 *
 * @throws {DiscoveryError} `ERR_ADDRESS_INVALID` for another number of bytes, or a zone that is not
 *   UTF-8.
 */
export function formatAddress(address: Uint8Array): string {
  if (address.length === IPV4_BYTES) return formatIpv4(address, 0);
  if (address.length < IPV6_BYTES) {
    throw new DiscoveryError("ERR_ADDRESS_INVALID", `IP address of ${address.length} bytes`);
  }
  const text = isMapped(address)
    ? `::ffff:${formatIpv4(address, MAPPED_OFFSET)}`
    : formatIpv6(address);
  return address.length === IPV6_BYTES ? text : `${text}%${decodeZone(address)}`;
}

/** Whether the bytes have the size of an address: 4, 16, or more than 16 with a zone. */
export function isAddressSize(bytes: number): boolean {
  return bytes === IPV4_BYTES || bytes >= IPV6_BYTES;
}

/** Whether the bytes are an address with a zone, which means something on its own machine only. */
export function hasZone(address: Uint8Array): boolean {
  return address.length > IPV6_BYTES;
}

/**
 * Orders addresses as `netip.Addr.Compare` does: IPv4 before IPv6, then by value, then by zone.
 *
 * @returns Negative, 0 or positive, for `Array.prototype.sort`.
 */
export function compareAddresses(a: Uint8Array, b: Uint8Array): number {
  const families = Math.min(a.length, IPV6_BYTES) - Math.min(b.length, IPV6_BYTES);
  if (families !== 0) return families;
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/**
 * Turns an IPv4-mapped IPv6 address, as a dual-stack socket reports an IPv4 peer, into the IPv4
 * address.
 *
 * @returns 4 bytes in the buffer of `address`, or `address` itself where it is not mapped.
 */
export function unmapAddress<T extends ArrayBufferLike>(address: Uint8Array<T>): Uint8Array<T> {
  return isMapped(address) ? address.subarray(MAPPED_OFFSET, IPV6_BYTES) : address;
}

function isMapped(address: Uint8Array): boolean {
  if (address.length < IPV6_BYTES || address[10] !== 0xff || address[11] !== 0xff) return false;
  for (let i = 0; i < 10; i++) if (address[i] !== 0) return false;
  return true;
}

function scanZonedIpv6(text: string): Uint8Array<ArrayBuffer> | undefined {
  const percent = text.indexOf("%");
  if (percent < 0) {
    const address = new Uint8Array(IPV6_BYTES);
    return scanIpv6(text, text.length, address) ? address : undefined;
  }
  const zone = text.slice(percent + 1);
  // Half a surrogate pair has no UTF-8.
  if (zone === "" || !zone.isWellFormed()) return undefined;
  const zoneBytes = new TextEncoder().encode(zone);
  const address = new Uint8Array(IPV6_BYTES + zoneBytes.length);
  address.set(zoneBytes, IPV6_BYTES);
  return scanIpv6(text, percent, address) ? address : undefined;
}

/** Reads `text[start, end)`, four numbers up to 255 with dots, into 4 bytes at `at`. */
function scanIpv4(text: string, start: number, end: number, into: Uint8Array, at: number): boolean {
  let fields = 0;
  let value = 0;
  let digits = 0;
  for (let i = start; i <= end; i++) {
    const code = i < end ? text.charCodeAt(i) : DOT;
    if (code === DOT) {
      if (digits === 0 || fields === IPV4_BYTES) return false;
      into[at + fields++] = value;
      value = 0;
      digits = 0;
    } else if (code >= 0x30 && code <= 0x39) {
      // A leading zero is refused because some readers take it for octal.
      if (digits > 0 && value === 0) return false;
      value = value * 10 + code - 0x30;
      digits++;
      if (value > 255) return false;
    } else return false;
  }
  return fields === IPV4_BYTES;
}

/** Reads `text[0, end)` into the first 16 bytes. */
function scanIpv6(text: string, end: number, into: Uint8Array): boolean {
  let at = 0;
  let size = 0;
  let ellipsis = -1;
  if (text.startsWith("::")) {
    ellipsis = 0;
    at = 2;
  }
  while (at < end && size < IPV6_BYTES) {
    const start = at;
    let value = 0;
    for (; at < end; at++) {
      const digit = hexDigit(text.charCodeAt(at));
      if (digit < 0) break;
      value = (value << 4) | digit;
      if (at - start >= 4) return false;
    }
    if (at === start) return false;
    if (at < end && text.charCodeAt(at) === DOT) {
      // An embedded IPv4 address takes the place of the last two fields.
      if (size > MAPPED_OFFSET || (ellipsis < 0 && size !== MAPPED_OFFSET)) return false;
      if (!scanIpv4(text, start, end, into, size)) return false;
      size += IPV4_BYTES;
      at = end;
      break;
    }
    into[size++] = value >> 8;
    into[size++] = value & 0xff;
    if (at === end) break;
    if (text.charCodeAt(at++) !== COLON || at === end) return false;
    if (text.charCodeAt(at) === COLON) {
      if (ellipsis >= 0) return false;
      ellipsis = size;
      at++;
    }
  }
  if (at !== end) return false;
  // `::` stands for one field of zeros at least.
  if (ellipsis < 0) return size === IPV6_BYTES;
  if (size === IPV6_BYTES) return false;
  const tail = IPV6_BYTES - (size - ellipsis);
  into.copyWithin(tail, ellipsis, size);
  into.fill(0, ellipsis, tail);
  return true;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

function formatIpv4(address: Uint8Array, at: number): string {
  return `${address[at]}.${address[at + 1]}.${address[at + 2]}.${address[at + 3]}`;
}

function formatIpv6(address: Uint8Array): string {
  // RFC 5952 section 4.2: `::` replaces the longest run of two zero fields or more, the first of
  // equal ones.
  let zerosAt = -1;
  let zeros = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && fieldOf(address, i + run) === 0) run++;
    if (run > zeros) {
      zerosAt = i;
      zeros = run;
    }
    i += run;
  }
  let text = "";
  for (let i = 0; i < 8; i++) {
    if (i === zerosAt) {
      text += "::";
      i += zeros - 1;
    } else {
      if (i > 0 && i !== zerosAt + zeros) text += ":";
      text += fieldOf(address, i).toString(16);
    }
  }
  return text;
}

function fieldOf(address: Uint8Array, index: number): number {
  return ((address[index * 2] ?? 0) << 8) | (address[index * 2 + 1] ?? 0);
}

function decodeZone(address: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      address.subarray(IPV6_BYTES),
    );
  } catch (cause) {
    throw new DiscoveryError("ERR_ADDRESS_INVALID", "zone of an IP address is not UTF-8", {
      cause,
    });
  }
}
