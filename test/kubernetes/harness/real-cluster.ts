/**
 * A cluster of nodes behind a real API server, for the compliance suite.
 * @module
 */
import { NO_ANNOTATIONS } from "../../../src/sources/kubernetes/annotations.ts";
import type { KubernetesNode } from "../../../src/sources/kubernetes/index.ts";
import { deleteNode, NODES, patchNode } from "../../harness/kubernetes/cluster.ts";
import type { KubeApi } from "../../harness/kubernetes/kube-api.ts";
import type { ClusterOfNodes } from "../../harness/kubernetes/kubernetes-under-test.ts";

export class RealCluster implements ClusterOfNodes {
  readonly #api: KubeApi;

  constructor(api: KubeApi) {
    this.#api = api;
  }

  async put(node: KubernetesNode): Promise<void> {
    const { status } = await this.#api.call("POST", NODES, node);
    if (status === 201) return;
    const { name, annotations } = node.metadata;
    await patchNode(this.#api, name, {
      metadata: { annotations: { ...NO_ANNOTATIONS, ...annotations } },
    });
  }

  remove(name: string): Promise<void> {
    return deleteNode(this.#api, name);
  }

  async get(name: string): Promise<KubernetesNode> {
    return (await this.#api.call("GET", `${NODES}/${name}`)).body;
  }

  async names(): Promise<readonly string[]> {
    const { body } = await this.#api.call("GET", NODES);
    return body.items.map(({ metadata }: KubernetesNode) => metadata.name);
  }
}
