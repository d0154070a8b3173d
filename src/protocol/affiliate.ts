/**
 * What a node publishes about itself: plain data, and its encoding as
 * `sidero.discovery.client.Affiliate`.
 * @module
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { checkInteger } from "../check.ts";
import { DiscoveryError, isDiscoveryError } from "../errors.ts";
import { formatAddress, parseAddress } from "../net/address.ts";
import { MAX_PORT } from "../net/endpoint.ts";
import { formatPrefix, type Prefix, parsePrefix } from "../net/prefix.ts";
import {
  type Affiliate,
  AffiliateSchema,
  type KubeSpan,
} from "./gen/sidero/discovery/client/affiliate_pb.ts";

/**
 * A node as it describes itself. IPs and prefixes are canonical text; absent and empty fields are
 * the same.
 */
export interface AffiliateData {
  /** Base62 identity of the node. */
  readonly nodeId?: string;
  /** IP addresses. */
  readonly addresses?: readonly string[];
  readonly hostname?: string;
  /** Kubernetes node name; empty until the node has one. */
  readonly nodename?: string;
  /** `init`, `controlplane` or `worker`. */
  readonly machineType?: string;
  /** For people: `Talos (v1.15.0)`. */
  readonly operatingSystem?: string;
  readonly kubespan?: KubeSpanData;
  readonly controlPlane?: ControlPlaneData;
}

/** The WireGuard identity of a node. */
export interface KubeSpanData {
  /** WireGuard public key, base64. */
  readonly publicKey?: string;
  readonly address?: string;
  /** CIDR prefixes that are routed to the node besides its addresses. */
  readonly additionalAddresses?: readonly string[];
  /** CIDR prefixes that are never routed to it. */
  readonly excludeAdvertisedNetworks?: readonly string[];
}

export interface ControlPlaneData {
  /** Port of the Kubernetes API server; 0 is encoded as an absent one. */
  readonly port: number;
}

/**
 * Encodes an affiliate, ready to be sealed. Equal data gives equal bytes.
 *
 * @returns Bytes in a buffer of their own; none for `{}`.
 * @throws {DiscoveryError} `ERR_ADDRESS_INVALID` or `ERR_PREFIX_INVALID` for text that does not
 *   parse, naming the field, as in `addresses[1]: "10.0.0" is not an IP address`.
 * @throws {RangeError} for a `controlPlane.port` that is not 0 to 65,535.
 * @example
 * encodeAffiliate({ nodeId: generateNodeId(), addresses: ["10.0.0.1"], hostname: "worker-1" });
 */
export function encodeAffiliate(affiliate: AffiliateData): Uint8Array<ArrayBuffer> {
  const { nodeId, addresses, hostname, nodename, machineType, operatingSystem } = affiliate;
  const { kubespan, controlPlane } = affiliate;
  const message = create(AffiliateSchema, {
    nodeId,
    addresses: parseEach("addresses", addresses, parseAddress),
    hostname,
    nodename,
    machineType,
    operatingSystem,
    kubespan: kubespan && {
      publicKey: kubespan.publicKey,
      address: kubespan.address
        ? inField("kubespan.address", kubespan.address, parseAddress)
        : undefined,
      additionalAddresses: parseEach(
        "kubespan.additionalAddresses",
        kubespan.additionalAddresses,
        parsePrefix,
      ),
      excludeAdvertisedAddresses: parseEach(
        "kubespan.excludeAdvertisedNetworks",
        kubespan.excludeAdvertisedNetworks,
        parsePrefix,
      ),
    },
    controlPlane: controlPlane && {
      apiServerPort: checkInteger("controlPlane.port", controlPlane.port, 0, MAX_PORT),
    },
  });
  return toBinary(AffiliateSchema, message);
}

/**
 * Decodes an affiliate that was opened. Fields that are absent or empty in the encoding are absent
 * in the result; unknown ones are passed over.
 *
 * @throws {DiscoveryError} `ERR_AFFILIATE_MALFORMED` for bytes that are no such message, invalid
 *   UTF-8, an address or prefix of another size, or a port over 65,535.
 */
export function decodeAffiliate(bytes: Uint8Array): AffiliateData {
  try {
    return toData(fromBinary(AffiliateSchema, bytes, { readUnknownFields: false }));
  } catch (cause) {
    // Only our own messages: they tell sizes and fields, not what a node has sealed.
    const why = isDiscoveryError(cause) ? `: ${cause.message}` : "";
    throw new DiscoveryError("ERR_AFFILIATE_MALFORMED", `affiliate does not decode${why}`, {
      cause,
    });
  }
}

function toData(message: Affiliate): AffiliateData {
  const { nodeId, hostname, nodename, machineType, operatingSystem } = message;
  const { kubespan, controlPlane } = message;
  // An empty value is "no address".
  const addresses = message.addresses.filter((address) => address.length > 0);
  return {
    ...(nodeId && { nodeId }),
    ...(addresses.length > 0 && { addresses: formatEach("addresses", addresses, formatAddress) }),
    ...(hostname && { hostname }),
    ...(nodename && { nodename }),
    ...(machineType && { machineType }),
    ...(operatingSystem && { operatingSystem }),
    ...(kubespan && { kubespan: toKubeSpanData(kubespan) }),
    ...(controlPlane && { controlPlane: { port: decodedPort(controlPlane.apiServerPort) } }),
  };
}

function toKubeSpanData(message: KubeSpan): KubeSpanData {
  const { publicKey, address, additionalAddresses, excludeAdvertisedAddresses } = message;
  return {
    ...(publicKey && { publicKey }),
    ...(address.length > 0 && { address: inField("kubespan.address", address, formatAddress) }),
    ...(additionalAddresses.length > 0 && {
      additionalAddresses: formatEach<Prefix>(
        "kubespan.additionalAddresses",
        additionalAddresses,
        formatPrefix,
      ),
    }),
    ...(excludeAdvertisedAddresses.length > 0 && {
      excludeAdvertisedNetworks: formatEach<Prefix>(
        "kubespan.excludeAdvertisedNetworks",
        excludeAdvertisedAddresses,
        formatPrefix,
      ),
    }),
  };
}

function decodedPort(port: number): number {
  if (port <= MAX_PORT) return port;
  throw new DiscoveryError("ERR_AFFILIATE_MALFORMED", `controlPlane.port: over ${MAX_PORT}`);
}

function parseEach<T>(
  field: string,
  texts: readonly string[] | undefined,
  parse: (text: string) => T,
): T[] {
  return (texts ?? []).map((text, i) => inField(`${field}[${i}]`, text, parse));
}

function formatEach<T>(
  field: string,
  values: readonly T[],
  format: (value: T) => string,
): string[] {
  return values.map((value, i) => inField(`${field}[${i}]`, value, format));
}

/** Converts one value; an error says in which field. */
function inField<From, To>(field: string, value: From, convert: (value: From) => To): To {
  try {
    return convert(value);
  } catch (cause) {
    if (!isDiscoveryError(cause)) throw cause;
    throw new DiscoveryError(cause.code, `${field}: ${cause.message}`, { cause });
  }
}
