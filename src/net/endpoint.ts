/**
 * `IP:port` between text and bytes, as Go's `netip.AddrPort` has it.
 * @module
 */
import { DiscoveryError } from "../errors.ts";
import { formatAddress, isAddressSize, scanAddress } from "./address.ts";
import { quote } from "./quote.ts";

/** The largest port there is. */
export const MAX_PORT = 65_535;

/** A port that can be connected to, from decimal text: 1 to 65,535. `undefined` for other text. */
export function scanPort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= MAX_PORT ? port : undefined;
}

/** An address and a port, as in the generated `Endpoint`. */
export interface AddressPort {
  /** Binary form, see `parseAddress`. */
  readonly ip: Uint8Array;
  /** 0 to 65,535. */
  readonly port: number;
}

/** An address and a port where the address has a buffer of its own. */
export interface ParsedAddressPort extends AddressPort {
  readonly ip: Uint8Array<ArrayBuffer>;
}

/**
 * Reads an endpoint as `netip.ParseAddrPort` does: brackets around IPv6 and only there.
 *
 * @throws {DiscoveryError} `ERR_ENDPOINT_INVALID`.
 * @example
 * parseEndpoint("[fd00::1]:51820").port; // 51820
 */
export function parseEndpoint(text: string): ParsedAddressPort {
  const colon = text.lastIndexOf(":");
  const portText = text.slice(colon + 1);
  // Leading zeros are accepted, as Go does.
  const port = /^[0-9]+$/.test(portText) ? Number(portText) : Number.NaN;
  if (colon > 0 && port <= MAX_PORT) {
    const host = text.slice(0, colon);
    const bracketed = host.startsWith("[") && host.endsWith("]");
    const ip = scanAddress(bracketed ? host.slice(1, -1) : host);
    if (ip !== undefined && bracketed === ip.length > 4) return { ip, port };
  }
  throw new DiscoveryError("ERR_ENDPOINT_INVALID", `${quote(text)} is not an IP address with port`);
}

/**
 * Prints an endpoint as `netip.AddrPort.String` does.
 *
 * @throws {DiscoveryError} `ERR_ENDPOINT_INVALID` for an address of another size or a port over
 *   65,535, `ERR_ADDRESS_INVALID` for a zone that is not UTF-8.
 */
export function formatEndpoint({ ip, port }: AddressPort): string {
  if (!isAddressSize(ip.length) || !(port >= 0 && port <= MAX_PORT)) {
    throw new DiscoveryError(
      "ERR_ENDPOINT_INVALID",
      `endpoint of an IP address of ${ip.length} bytes and port ${port}`,
    );
  }
  const address = formatAddress(ip);
  return ip.length === 4 ? `${address}:${port}` : `[${address}]:${port}`;
}
