/**
 * Where this machine sends what it has no other route for, as Linux lists it.
 * @module
 */
import { readFile } from "node:fs/promises";
import { endianness } from "node:os";

const IPV4_ROUTES = "/proc/net/route";
const IPV6_ROUTES = "/proc/net/ipv6_route";

const NO_ADDRESS = /^0+$/;

/**
 * The gateways of the default routes, in binary form.
 *
 * @returns None if there is no default route, or the system is not Linux.
 */
export async function readDefaultGateways(): Promise<Uint8Array[]> {
  const [ipv4, ipv6] = await Promise.all(
    [IPV4_ROUTES, IPV6_ROUTES].map((path) => readFile(path, "utf8").catch(() => "")),
  );
  return [...ipv4Gateways(ipv4 ?? "", endianness() === "LE"), ...ipv6Gateways(ipv6 ?? "")];
}

/**
 * Reads `/proc/net/route`: `Iface Destination Gateway Flags RefCnt Use Metric Mask …`.
 *
 * @param isLittleEndian - Addresses are numbers of the machine, in hexadecimal.
 */
export function ipv4Gateways(text: string, isLittleEndian: boolean): Uint8Array[] {
  return rows(text).flatMap(([, destination = "", gateway = "", , , , , mask = ""]) => {
    const ip = Buffer.from(gateway, "hex");
    const isDefault = NO_ADDRESS.test(destination) && NO_ADDRESS.test(mask);
    if (!isDefault || NO_ADDRESS.test(gateway) || ip.length !== 4) return [];
    return [Uint8Array.from(isLittleEndian ? ip.reverse() : ip)];
  });
}

/** Reads `/proc/net/ipv6_route`: `destination bits source bits gateway …`. */
export function ipv6Gateways(text: string): Uint8Array[] {
  return rows(text).flatMap(([destination = "", bits, , , gateway = ""]) => {
    const ip = Buffer.from(gateway, "hex");
    const isDefault = NO_ADDRESS.test(destination) && bits === "00";
    return isDefault && !NO_ADDRESS.test(gateway) && ip.length === 16 ? [Uint8Array.from(ip)] : [];
  });
}

function rows(text: string): string[][] {
  return text.split("\n").map((row) => row.trim().split(/\s+/));
}
