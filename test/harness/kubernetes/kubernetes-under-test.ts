/**
 * A Kubernetes registry for the compliance suite, over any cluster whose nodes can be made and taken away.
 * @module
 */

import type { AffiliateSpec } from "../../../src/resources/affiliate.ts";
import {
  affiliateAnnotations,
  affiliateOfNode,
  type KubernetesNode,
  KubernetesRegistry,
  type NodeApi,
} from "../../../src/sources/kubernetes/index.ts";
import type { RegistryUnderTest } from "../../../src/sources/registry-cases.ts";
import { type NodeDetails, nodeObject } from "./node-object.ts";

/** Identity of the node that the registry is for. */
export const LOCAL_NODE_ID = "Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd";

const LOCAL_NODE_NAME = "this-node";

/** Names and system of what the suite publishes: a node cannot tell them, they are the object's own. */
const LOCAL_DETAILS: NodeDetails = {
  hostname: "controlplane-2.example",
  isControlPlane: true,
  operatingSystem: "Talos (v1.15.0)",
};

/** The nodes of a cluster, from an administrator's side. */
export interface ClusterOfNodes {
  /** Makes a node, or gives one these annotations. */
  put(node: KubernetesNode): Promise<void> | void;
  remove(name: string): Promise<void> | void;
  get(name: string): Promise<KubernetesNode> | KubernetesNode;
  names(): Promise<readonly string[]> | readonly string[];
}

/** The node of an affiliate, as its kubelet made it and as it told of itself. */
export function nodeOf(affiliate: AffiliateSpec): KubernetesNode {
  return nodeObject(affiliate.nodename, {
    annotations: affiliateAnnotations(affiliate),
    isControlPlane: affiliate.machineType === "controlplane",
    hostname: affiliate.hostname,
    operatingSystem: affiliate.operatingSystem,
  });
}

/** A registry that publishes on a node of its own, in a cluster that is empty but for that. */
export async function openKubernetesRegistry(
  cluster: ClusterOfNodes,
  nodes: NodeApi,
): Promise<RegistryUnderTest> {
  for (const name of await cluster.names()) await cluster.remove(name);
  await cluster.put(nodeObject(LOCAL_NODE_NAME, LOCAL_DETAILS));
  return {
    registry: new KubernetesRegistry({ nodes, nodeId: LOCAL_NODE_ID, nodeName: LOCAL_NODE_NAME }),
    async setSource(affiliates) {
      const wanted = new Map(affiliates.map((affiliate) => [affiliate.nodename, affiliate]));
      for (const name of await cluster.names()) {
        if (name !== LOCAL_NODE_NAME && !wanted.has(name)) await cluster.remove(name);
      }
      for (const affiliate of affiliates) await cluster.put(nodeOf(affiliate));
    },
    async published() {
      const affiliate = affiliateOfNode(await cluster.get(LOCAL_NODE_NAME));
      return affiliate && { ...affiliate, nodename: "controlplane-2" };
    },
  };
}
