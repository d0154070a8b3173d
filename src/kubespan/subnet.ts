/**
 * Addresses inside the mesh: a subnet for each cluster, in it an address for each machine.
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { DiscoveryError } from "../errors.ts";
import { formatAddress } from "../net/address.ts";
import { formatPrefix, parsePrefix } from "../net/prefix.ts";
import { quote } from "../net/quote.ts";

const SUBNET_BITS = 64;
const ADDRESS_BYTES = 16;
const MAC_BYTES = 6;

/** First byte of a unique local address whose rest is chosen locally (RFC 4193). */
const UNIQUE_LOCAL = 0xfd;

/** Byte of Talos' unique local addresses that says what they are for. */
const PURPOSE_INDEX = 7;

/** Values of the byte at {@link PURPOSE_INDEX}. */
const PURPOSES = {
  bootstrap: 1,
  kubespan: 2,
  siderolink: 3,
  "virtual-siderolink": 4,
} as const;

/** What Talos uses a unique local address for. */
export type UniqueLocalPurpose = keyof typeof PURPOSES;

/** The forms in which people and systems write an EUI-48: by pairs, or by fours with dots. */
const MAC_FORM =
  /^[\da-f]{2}(?:(?::[\da-f]{2}){5}|(?:-[\da-f]{2}){5})$|^[\da-f]{4}(?:\.[\da-f]{4}){2}$/i;

/**
 * The subnet of a cluster's mesh.
 *
 * @param clusterId - As the cluster's configuration has it: any text that is not empty.
 * @returns A prefix of 64 bits.
 * @throws {RangeError} for an empty ID.
 * @example
 * kubespanSubnet("8XuV9TZHW08DOk3bVxQjH9ih_TBKjnh-j44tsCLSBzo="); // "fd7f:175a:b97c:5602::/64"
 */
export function kubespanSubnet(clusterId: string): string {
  if (clusterId === "") throw new RangeError("clusterId: empty");
  const ip = sha256(new TextEncoder().encode(clusterId)).slice(-ADDRESS_BYTES);
  ip[0] = UNIQUE_LOCAL;
  ip[PURPOSE_INDEX] = PURPOSES.kubespan;
  ip.fill(0, SUBNET_BITS / 8);
  return formatPrefix({ ip, bits: SUBNET_BITS });
}

/**
 * A machine's address in its cluster's subnet: the modified EUI-64 (RFC 4291 appendix A) of one of
 * its network cards.
 *
 * @param subnet - See {@link kubespanSubnet}.
 * @param mac - 48 bits in hexadecimal: `2e:1a:b6:53:81:69`, `2e-1a-b6-53-81-69` or
 *   `2e1a.b653.8169`, in either case.
 * @throws {DiscoveryError} `ERR_PREFIX_INVALID` for a subnet that is none of 64 bits of IPv6,
 *   `ERR_MAC_INVALID`.
 * @example
 * kubespanAddress("fd7f:175a:b97c:5602::/64", "2e:1a:b6:53:81:69"); // "fd7f:175a:b97c:5602:2c1a:b6ff:fe53:8169"
 */
export function kubespanAddress(subnet: string, mac: string): string {
  const { ip, bits } = parsePrefix(subnet);
  if (ip.length !== ADDRESS_BYTES || bits !== SUBNET_BITS) {
    throw new DiscoveryError(
      "ERR_PREFIX_INVALID",
      `${quote(subnet)} is not an IPv6 prefix of ${SUBNET_BITS} bits`,
    );
  }
  const [b0 = 0, b1 = 0, b2 = 0, b3 = 0, b4 = 0, b5 = 0] = parseMac(mac);
  // The inverted bit tells an address that the vendor gave from one that somebody chose.
  ip.set([b0 ^ 0x02, b1, b2, 0xff, 0xfe, b3, b4, b5], SUBNET_BITS / 8);
  return formatAddress(ip);
}

/**
 * What Talos uses an address for, as byte 7 says.
 *
 * @param address - Binary form, see `parseAddress`.
 * @returns `undefined` for any other address, also for a unique local one of somebody else.
 */
export function uniqueLocalPurpose(address: Uint8Array): UniqueLocalPurpose | undefined {
  if (address.length !== ADDRESS_BYTES || address[0] !== UNIQUE_LOCAL) return undefined;
  for (const [purpose, value] of Object.entries(PURPOSES)) {
    if (address[PURPOSE_INDEX] === value) return purpose as UniqueLocalPurpose;
  }
  return undefined;
}

function parseMac(text: string): Uint8Array {
  if (!MAC_FORM.test(text)) {
    throw new DiscoveryError("ERR_MAC_INVALID", `${quote(text)} is not a MAC address of 48 bits`);
  }
  const digits = text.replaceAll(/[^\da-f]/gi, "");
  return Uint8Array.from({ length: MAC_BYTES }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}
