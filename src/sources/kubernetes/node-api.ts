/**
 * What discovery needs of a Kubernetes API server. `talos-discovery/node` has one that reads a
 * kubeconfig file.
 * @module
 */
import type { AnnotationValues } from "./annotations.ts";
import type { KubernetesNode } from "./node-mapping.ts";

/** Some of the nodes. */
export interface NodeListPage {
  readonly nodes: readonly KubernetesNode[];
  /** Of the whole list: where a watch goes on. */
  readonly resourceVersion: string;
  /** Where the next page begins; absent on the last. */
  readonly continueToken?: string | undefined;
}

/** One step of a watch. Each has a version after which a watch may go on. */
export type NodeEvent =
  | { readonly kind: "set"; readonly node: KubernetesNode; readonly resourceVersion: string }
  | { readonly kind: "deleted"; readonly node: KubernetesNode; readonly resourceVersion: string }
  | { readonly kind: "bookmark"; readonly resourceVersion: string };

/**
 * The three calls. Each ends with `signal` and then rejects with its reason, connections freed;
 * otherwise it rejects with a `DiscoveryError` of these codes: `ERR_KUBERNETES_UNAVAILABLE`,
 * `ERR_KUBERNETES_UNAUTHORIZED`, `ERR_KUBERNETES_FORBIDDEN`, and where they are named.
 */
export interface NodeApi {
  /** Where it is, for people: a URL, without a secret. */
  readonly source: string;
  /**
   * Lists nodes.
   *
   * @param options - `limit` is how many at most.
   * @throws {DiscoveryError} `ERR_KUBERNETES_EXPIRED` for a `continueToken` that is too old.
   */
  list(options: {
    readonly limit?: number;
    readonly continueToken?: string | undefined;
    readonly signal: AbortSignal;
  }): Promise<NodeListPage>;
  /**
   * Follows changes after a version, with bookmarks.
   *
   * @returns once the server has agreed. The iteration ends where the server ends it in order, as
   *   it does every few minutes; leaving the loop frees everything.
   * @throws {DiscoveryError} `ERR_KUBERNETES_EXPIRED`, here or in the iteration, for a version that
   *   is too old.
   */
  watch(options: {
    readonly resourceVersion: string;
    readonly signal: AbortSignal;
  }): Promise<AsyncIterable<NodeEvent>>;
  /**
   * Changes these annotations of a node and nothing else.
   *
   * @returns the node as it is now.
   * @throws {DiscoveryError} `ERR_KUBERNETES_NODE_MISSING` where there is no such node.
   */
  annotate(
    nodeName: string,
    annotations: AnnotationValues,
    options: { readonly signal: AbortSignal },
  ): Promise<KubernetesNode>;
}
