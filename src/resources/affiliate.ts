/**
 * An affiliate as a resource: a node that holds the cluster's ID and secret, complete, with
 * defaults filled in.
 * @module
 */
import { type MachineType, parseMachineType } from "./machine-type.ts";

/**
 * What is known of a node, as the client opens it (`DiscoveredAffiliate`) or another source has it.
 */
export interface AffiliateSource {
  readonly nodeId: string;
  readonly addresses?: readonly string[] | undefined;
  readonly hostname?: string | undefined;
  readonly nodename?: string | undefined;
  readonly machineType?: string | undefined;
  readonly operatingSystem?: string | undefined;
  readonly kubespan?:
    | {
        readonly publicKey?: string | undefined;
        readonly address?: string | undefined;
        readonly additionalAddresses?: readonly string[] | undefined;
        readonly excludeAdvertisedNetworks?: readonly string[] | undefined;
      }
    | undefined;
  readonly controlPlane?: { readonly port: number } | undefined;
  /** `IP:port` at which the node may be reached. */
  readonly endpoints?: readonly string[] | undefined;
}

/** The WireGuard side of an affiliate. Absent lists are empty. */
export interface KubeSpanAffiliateSpec {
  /** WireGuard public key, base64; empty while none is published. */
  readonly publicKey: string;
  /** IP inside the mesh; empty while none is published. */
  readonly address: string;
  /** CIDR prefixes. */
  readonly additionalAddresses: readonly string[];
  /** `IP:port`. */
  readonly endpoints: readonly string[];
  /** CIDR prefixes. */
  readonly excludeAdvertisedNetworks: readonly string[];
}

/** Spec of `Affiliates.cluster.talos.dev`. Keys stand in the order in which Talos prints them. */
export interface AffiliateSpec {
  /** Base62 identity; also the resource's ID. */
  readonly nodeId: string;
  /** IP addresses. */
  readonly addresses: readonly string[];
  readonly hostname: string;
  /** Kubernetes node name; empty until the node has one. */
  readonly nodename: string;
  readonly operatingSystem: string;
  readonly machineType: MachineType;
  /** Absent where the node neither takes part in KubeSpan nor has a known endpoint. */
  readonly kubespan?: KubeSpanAffiliateSpec;
  /** Absent on a node without a Kubernetes API server. */
  readonly controlPlane?: { readonly port: number };
}

/** What a node tells about itself, to every registry that takes it. */
export interface LocalAffiliate {
  /** Its `nodeId` is the local identity; `kubespan.endpoints` is where it may be reached. */
  readonly affiliate: AffiliateSpec;
  /** Endpoints of other nodes as this node sees them; only services take them. @default none */
  readonly otherEndpoints?:
    | readonly { readonly nodeId: string; readonly endpoints: readonly string[] }[]
    | undefined;
}

/**
 * Makes the resource's spec from what a node published.
 *
 * @param source - Not kept: lists are copied.
 * @example
 * createAffiliateSpec({ nodeId, nodename: "worker-1" }).machineType; // "worker"
 */
export function createAffiliateSpec(source: AffiliateSource): AffiliateSpec {
  const endpoints = source.endpoints ?? [];
  const { kubespan, controlPlane } = source;
  return {
    nodeId: source.nodeId,
    addresses: [...(source.addresses ?? [])],
    hostname: source.hostname ?? "",
    nodename: source.nodename ?? "",
    operatingSystem: source.operatingSystem ?? "",
    machineType: parseMachineType(source.machineType),
    ...(kubespan !== undefined || endpoints.length > 0
      ? {
          kubespan: {
            publicKey: kubespan?.publicKey ?? "",
            address: kubespan?.address ?? "",
            additionalAddresses: [...(kubespan?.additionalAddresses ?? [])],
            endpoints: [...endpoints],
            excludeAdvertisedNetworks: [...(kubespan?.excludeAdvertisedNetworks ?? [])],
          },
        }
      : {}),
    ...(controlPlane !== undefined ? { controlPlane: { port: controlPlane.port } } : {}),
  };
}
