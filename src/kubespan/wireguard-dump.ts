/**
 * What WireGuard says of its peers: `wg show INTERFACE dump`.
 * @module
 */
import { DiscoveryError } from "../errors.ts";

const INTERFACE_FIELDS = 4;
const PEER_FIELDS = 8;

/** A peer as WireGuard has it. Its preshared key is left out. */
export interface WireguardPeerStatus {
  /** `IP:port`, the one it last heard from, or was given. Absent where there is none. */
  readonly endpoint: string | undefined;
  /** CIDR prefixes. */
  readonly allowedIps: readonly string[];
  /** ms since 1970, whole seconds. Absent where there was none. */
  readonly lastHandshakeAtMs: number | undefined;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** 0 where it is off. */
  readonly keepaliveSeconds: number;
}

/** A WireGuard interface. Its private key is left out. */
export interface WireguardStatus {
  readonly publicKey: string;
  readonly listenPort: number;
  /** 0 where it is off. */
  readonly firewallMark: number;
  /** By public key, in WireGuard's order. */
  readonly peers: ReadonlyMap<string, WireguardPeerStatus>;
}

/**
 * Reads the dump of one interface.
 *
 * @param text - The whole output: a line of 4 fields, then one of 8 for each peer, with tabs
 *   between.
 * @throws {DiscoveryError} `ERR_WIREGUARD_DUMP_INVALID`, which names the line and repeats nothing
 *   of it: there are keys in it.
 * @example
 * const { stdout } = await promisify(execFile)("wg", ["show", "kubespan", "dump"]);
 * for (const [publicKey, { endpoint }] of parseWireguardDump(stdout).peers) console.log(publicKey, endpoint);
 */
export function parseWireguardDump(text: string): WireguardStatus {
  const [first = "", ...rest] = text.replace(/\n$/, "").split("\n");
  const [, publicKey, listenPort, firewallMark] = fieldsOf(first, 1, INTERFACE_FIELDS);
  const peers = new Map<string, WireguardPeerStatus>();
  for (const [index, line] of rest.entries()) {
    const number = index + 2;
    const fields = fieldsOf(line, number, PEER_FIELDS);
    const [key = "", , endpoint, allowedIps, handshake, received, sent, keepalive] = fields;
    const handshakeSeconds = countOf(handshake, number);
    peers.set(key, {
      endpoint: optional(endpoint),
      allowedIps: optional(allowedIps)?.split(",") ?? [],
      lastHandshakeAtMs: handshakeSeconds === 0 ? undefined : handshakeSeconds * 1000,
      receivedBytes: countOf(received, number),
      sentBytes: countOf(sent, number),
      keepaliveSeconds: countOf(keepalive, number),
    });
  }
  return {
    publicKey: publicKey ?? "",
    listenPort: countOf(listenPort, 1),
    firewallMark: countOf(firewallMark, 1),
    peers,
  };
}

function fieldsOf(line: string, number: number, count: number): string[] {
  const fields = line.split("\t");
  if (fields.length === count) return fields;
  throw invalid(number, `${fields.length} fields instead of ${count}`);
}

/** A number in decimal, or in hexadecimal as marks are printed; `off` is 0. */
function countOf(text: string | undefined, number: number): number {
  if (text === "off") return 0;
  if (text !== undefined && /^(?:\d{1,20}|0x[\da-f]{1,8})$/.test(text)) return Number(text);
  throw invalid(number, "a field is no number");
}

function optional(text: string | undefined): string | undefined {
  return text === "(none)" ? undefined : text;
}

function invalid(number: number, why: string): DiscoveryError {
  return new DiscoveryError("ERR_WIREGUARD_DUMP_INVALID", `wg show dump, line ${number}: ${why}`);
}
