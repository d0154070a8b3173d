/**
 * A Kubernetes `Node` object as an affiliate.
 * @see docs/conformance.md, "Kubernetes registry"
 * @module
 */
import { type AffiliateSpec, createAffiliateSpec } from "../../resources/affiliate.ts";
import { type AnnotationName, parseAnnotations } from "./annotations.ts";

/** Nodes of the control plane have it, with any value. */
const CONTROL_PLANE_LABEL = "node-role.kubernetes.io/control-plane";

/** An annotation may have a quarter of a megabyte, and be nothing but commas. */
const MAX_REPORTS = 100;

/** A `Node` of the Kubernetes API, version `v1`, as far as discovery looks into it. */
export interface KubernetesNode {
  readonly metadata: {
    readonly name: string;
    /** Another one after the object was deleted and made again. */
    readonly uid?: string | undefined;
    readonly resourceVersion?: string | undefined;
    /** RFC 3339 in UTC. */
    readonly creationTimestamp?: string | undefined;
    readonly annotations?: Readonly<Record<string, string>> | undefined;
    readonly labels?: Readonly<Record<string, string>> | undefined;
  };
  readonly status?:
    | {
        readonly addresses?: readonly { readonly type: string; readonly address: string }[];
        readonly nodeInfo?: { readonly osImage?: string | undefined } | undefined;
      }
    | undefined;
}

/** What is wrong with a `Node`: it is passed over or left out, and the rest is used. */
export type NodeDropReport =
  | {
      /** An item that is no address, prefix, endpoint or port. */
      readonly reason: "annotation_malformed";
      readonly nodeName: string;
      readonly annotation: AnnotationName;
      readonly item: string;
    }
  | {
      /** Another `Node` has the same node ID, and is used. */
      readonly reason: "node_id_duplicate";
      /** Which is left out. */
      readonly nodeName: string;
      readonly nodeId: string;
      readonly usedNodeName: string;
    };

/**
 * What a `Node` says of its node: names and system as Kubernetes has them, the rest from
 * {@link ANNOTATIONS}.
 *
 * @param onDrop - Told of items that do not parse, of 100 at most. Must not throw.
 * @returns `undefined` for an object without a node ID.
 * @example
 * affiliateOfNode(node)?.addresses; // ["172.20.0.5"]
 */
export function affiliateOfNode(
  node: KubernetesNode,
  onDrop: (report: NodeDropReport) => void = () => {},
): AffiliateSpec | undefined {
  // Go writes null for an empty map unless it is told to leave it out.
  const { name, annotations, labels } = node.metadata;
  let reports = 0;
  const told = parseAnnotations(annotations ?? {}, (annotation, item) => {
    if (++reports > MAX_REPORTS) return;
    onDrop({ reason: "annotation_malformed", nodeName: name, annotation, item });
  });
  if (told === undefined) return undefined;
  return createAffiliateSpec({
    ...told,
    nodename: name,
    hostname: node.status?.addresses?.find(({ type }) => type === "Hostname")?.address,
    operatingSystem: node.status?.nodeInfo?.osImage,
    machineType: Object.hasOwn(labels ?? {}, CONTROL_PLANE_LABEL) ? "controlplane" : "worker",
  });
}
