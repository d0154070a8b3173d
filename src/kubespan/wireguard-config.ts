/**
 * WireGuard configuration as text, for machines where nothing else sets it up.
 *
 * What other nodes publish becomes lines of a file that `wg-quick` takes commands from. So every
 * value is checked for its form here, whoever checked it before.
 * @module
 */
import { checkInteger } from "../check.ts";
import { base64Of, parseClusterSecret } from "../crypto/secrets.ts";
import { hasZone } from "../net/address.ts";
import { canonicalPrefix } from "../net/canonical.ts";
import { formatEndpoint, parseEndpoint } from "../net/endpoint.ts";
import type { PeerSpec } from "../resources/kubespan.ts";
import type { KubeSpanIdentity } from "./identity.ts";
import { isPublicKey, publicKeyOf } from "./keys.ts";
import { KUBESPAN_PORT } from "./own-endpoints.ts";

/** MTU of the link in the mesh. */
export const KUBESPAN_MTU = 1420;

/** The least that IPv6 needs (RFC 8200 section 5). */
export const MIN_KUBESPAN_MTU = 1280;

const KEEPALIVE_SECONDS = 25;

/** Talos' routing table for what goes through the mesh. */
const ROUTING_TABLE = 180;

/** Mark of the packets that WireGuard itself sends, and the mask of Talos' marks. */
const FIREWALL_MARK = "0x20";
const MARK_MASK = "0x60";

/** Names that people give machines. Others are left out, since a comment must stay one. */
const PRINTABLE_LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/;

/** What `wireguardConfig` needs besides identity and peers. */
export interface WireguardConfigOptions {
  /**
   * For `wg-quick up`, which also makes the interface, addresses and routes; or for `wg syncconf`
   * and `wg setconf`.
   */
  readonly form: "wg-quick" | "syncconf";
  /** Base64 of 32 bytes: the preshared key of every peer. */
  readonly clusterSecret: string;
  /** UDP port. @default 51820 */
  readonly listenPort?: number | undefined;
  /** At least 1280. @default 1420 */
  readonly mtu?: number | undefined;
  /** Which of a peer's endpoints to use, if any. @default the first */
  readonly chooseEndpoint?: ((publicKey: string, peer: PeerSpec) => string | undefined) | undefined;
}

/**
 * WireGuard configuration of a node.
 *
 * In the `wg-quick` form, routes are in a table of their own, for all packets but WireGuard's: a
 * peer's allowed IPs hold the addresses at which it is reached, and a route in the main table would
 * lead its packets into themselves.
 *
 * @param peers - By public key, see `peersOf`. The node's own key is passed over.
 * @returns Text with both keys in it: a secret.
 * @throws {DiscoveryError} `ERR_WIREGUARD_KEY_INVALID`, `ERR_SECRET_INVALID`. {RangeError} for a
 *   port or an MTU out of range, and for a peer that `peersOf` would not have made.
 * @example
 * const text = wireguardConfig(identity, peersOf(affiliates, nodeId), { form: "wg-quick", clusterSecret });
 * await writeFile("/etc/wireguard/kubespan.conf", text, { mode: 0o600 });
 */
export function wireguardConfig(
  { privateKey, address }: Pick<KubeSpanIdentity, "privateKey" | "address">,
  peers: ReadonlyMap<string, PeerSpec>,
  options: WireguardConfigOptions,
): string {
  const { form, clusterSecret, listenPort = KUBESPAN_PORT, mtu = KUBESPAN_MTU } = options;
  const { chooseEndpoint = (_key, { endpoints }) => endpoints[0] } = options;
  const ownKey = publicKeyOf(privateKey);
  // Encoded anew: WireGuard takes only one spelling.
  const presharedKey = base64Of(parseClusterSecret(clusterSecret));
  const sections = [
    [
      "[Interface]",
      `PrivateKey = ${privateKey}`,
      `ListenPort = ${checkInteger("listenPort", listenPort, 1, 65_535)}`,
      `FwMark = ${FIREWALL_MARK}`,
      ...(form === "wg-quick" ? linkLines(checked("address", address, canonicalPrefix), mtu) : []),
    ],
    ...Array.from(peers)
      .filter(([publicKey]) => publicKey !== ownKey)
      .map(([publicKey, peer]) =>
        peerLines(publicKey, peer, presharedKey, chooseEndpoint(publicKey, peer)),
      ),
  ];
  return sections.map((lines) => `${lines.join("\n")}\n`).join("\n");
}

/** What only `wg-quick` knows. */
function linkLines(address: string, mtu: number): string[] {
  const rule = `not fwmark ${FIREWALL_MARK}/${MARK_MASK} table ${ROUTING_TABLE}`;
  const families = ["-4", "-6"];
  return [
    `Address = ${address}`,
    `MTU = ${checkInteger("mtu", mtu, MIN_KUBESPAN_MTU, 65_535)}`,
    `Table = ${ROUTING_TABLE}`,
    ...families.map((family) => `PostUp = ip ${family} rule add ${rule}`),
    ...families.map((family) => `PreDown = ip ${family} rule delete ${rule}`),
  ];
}

function peerLines(
  publicKey: string,
  { label, allowedIps }: PeerSpec,
  presharedKey: string,
  endpoint: string | undefined,
): string[] {
  if (!isPublicKey(publicKey)) throw new RangeError("peers: a public key is no WireGuard key");
  const prefixes = allowedIps.map((text) => checked("allowedIps", text, canonicalPrefix));
  return [
    "[Peer]",
    ...(PRINTABLE_LABEL.test(label) ? [`# ${label}`] : []),
    `PublicKey = ${publicKey}`,
    `PresharedKey = ${presharedKey}`,
    // Without any, the line would be an error.
    ...(prefixes.length > 0 ? [`AllowedIPs = ${prefixes.join(", ")}`] : []),
    ...(endpoint === undefined
      ? []
      : [`Endpoint = ${checked("endpoint", endpoint, endpointWithoutZone)}`]),
    `PersistentKeepalive = ${KEEPALIVE_SECONDS}`,
  ];
}

function endpointWithoutZone(text: string): string {
  const endpoint = parseEndpoint(text);
  // A zone is any text.
  if (hasZone(endpoint.ip)) throw new RangeError("has a zone");
  return formatEndpoint(endpoint);
}

function checked(name: string, text: string, canonical: (text: string) => string): string {
  try {
    return canonical(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "";
    throw new RangeError(`${name}: ${why}`, { cause });
  }
}
