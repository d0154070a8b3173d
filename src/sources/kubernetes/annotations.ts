/**
 * The annotations under which nodes tell of themselves on their Kubernetes `Node` objects.
 * @see docs/conformance.md, "Kubernetes registry"
 * @module
 */
import { canonicalAddress, canonicalEndpoint, canonicalPrefix } from "../../net/canonical.ts";
import { MAX_PORT } from "../../net/endpoint.ts";
import type { AffiliateSource, AffiliateSpec } from "../../resources/affiliate.ts";

/** Values are text; lists stand with commas. */
export const ANNOTATIONS = {
  nodeId: "cluster.talos.dev/node-id",
  addresses: "networking.talos.dev/self-ips",
  apiServerPort: "networking.talos.dev/api-server-port",
  kubespanAddress: "networking.talos.dev/kubespan-ip",
  kubespanPublicKey: "networking.talos.dev/kubespan-public-key",
  kubespanAdditionalAddresses: "networking.talos.dev/assigned-prefixes",
  kubespanEndpoints: "networking.talos.dev/kubespan-endpoints",
  kubespanExcludedNetworks: "networking.talos.dev/kubespan-exclude-advertised-networks",
} as const;

/** The name of one of {@link ANNOTATIONS}. */
export type AnnotationName = (typeof ANNOTATIONS)[keyof typeof ANNOTATIONS];

/** What a `Node` is to have of ours. `null` is nothing, and takes the annotation away. */
export type AnnotationValues = Readonly<Record<AnnotationName, string | null>>;

/** What a `Node` has of ours once its node has left. */
export const NO_ANNOTATIONS: AnnotationValues = {
  [ANNOTATIONS.nodeId]: null,
  [ANNOTATIONS.addresses]: null,
  [ANNOTATIONS.apiServerPort]: null,
  [ANNOTATIONS.kubespanAddress]: null,
  [ANNOTATIONS.kubespanPublicKey]: null,
  [ANNOTATIONS.kubespanAdditionalAddresses]: null,
  [ANNOTATIONS.kubespanEndpoints]: null,
  [ANNOTATIONS.kubespanExcludedNetworks]: null,
};

/**
 * What a node tells on its `Node` object. Names, operating system and role are the object's own and
 * not among it.
 *
 * @example
 * affiliateAnnotations(affiliate)["networking.talos.dev/self-ips"]; // "172.20.0.2,fd83:b1f7::1"
 */
export function affiliateAnnotations(affiliate: AffiliateSpec): AnnotationValues {
  const { kubespan, controlPlane } = affiliate;
  return {
    [ANNOTATIONS.nodeId]: textValue(affiliate.nodeId),
    [ANNOTATIONS.addresses]: listValue(affiliate.addresses),
    [ANNOTATIONS.apiServerPort]: controlPlane === undefined ? null : `${controlPlane.port}`,
    [ANNOTATIONS.kubespanAddress]: textValue(kubespan?.address),
    [ANNOTATIONS.kubespanPublicKey]: textValue(kubespan?.publicKey),
    [ANNOTATIONS.kubespanAdditionalAddresses]: listValue(kubespan?.additionalAddresses),
    [ANNOTATIONS.kubespanEndpoints]: listValue(kubespan?.endpoints),
    [ANNOTATIONS.kubespanExcludedNetworks]: listValue(kubespan?.excludeAdvertisedNetworks),
  };
}

/**
 * Reads what a node told on its `Node` object. An item that does not parse is passed over, the
 * others are used.
 *
 * @param annotations - All of the object's.
 * @param onMalformed - Told of each item that is passed over.
 * @returns `undefined` for an object without a node ID, which is no affiliate. Text of addresses is
 *   canonical.
 */
export function parseAnnotations(
  annotations: Readonly<Record<string, string>>,
  onMalformed: (annotation: AnnotationName, item: string) => void,
): AffiliateSource | undefined {
  const nodeId = annotations[ANNOTATIONS.nodeId] ?? "";
  if (nodeId === "") return undefined;
  function list(annotation: AnnotationName, canonical: (item: string) => string): string[] {
    const value = annotations[annotation] ?? "";
    if (value === "") return [];
    return value.split(",").flatMap((item) => {
      try {
        return [canonical(item)];
      } catch {
        onMalformed(annotation, item);
        return [];
      }
    });
  }
  const [port] = list(ANNOTATIONS.apiServerPort, canonicalPort);
  const [address = ""] = list(ANNOTATIONS.kubespanAddress, canonicalAddress);
  const kubespan = {
    publicKey: annotations[ANNOTATIONS.kubespanPublicKey] ?? "",
    address,
    additionalAddresses: list(ANNOTATIONS.kubespanAdditionalAddresses, canonicalPrefix),
    excludeAdvertisedNetworks: list(ANNOTATIONS.kubespanExcludedNetworks, canonicalPrefix),
  };
  return {
    nodeId,
    addresses: list(ANNOTATIONS.addresses, canonicalAddress),
    kubespan: Object.values(kubespan).some((value) => value.length > 0) ? kubespan : undefined,
    controlPlane: port === undefined ? undefined : { port: Number(port) },
    endpoints: list(ANNOTATIONS.kubespanEndpoints, canonicalEndpoint),
  };
}

function textValue(text: string | undefined): string | null {
  return text === undefined || text === "" ? null : text;
}

function listValue(items: readonly string[] | undefined): string | null {
  // A comma, as a zone's name may have it, would make two items of one.
  return textValue(items?.filter((item) => !item.includes(",")).join(","));
}

function canonicalPort(text: string): string {
  const port = /^[0-9]+$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > MAX_PORT) throw new RangeError("not a port");
  return `${port}`;
}
