/**
 * Discovery by annotations of Kubernetes nodes.
 * @module
 */
export type { Sleep } from "../../async/timers.ts";
export type { SignalOptions } from "../../async/waits.ts";
export {
  ANNOTATIONS,
  type AnnotationName,
  type AnnotationValues,
  affiliateAnnotations,
} from "./annotations.ts";
export { KubernetesRegistry, type KubernetesRegistryOptions } from "./kubernetes-registry.ts";
export type { NodeApi, NodeEvent, NodeListPage } from "./node-api.ts";
export { affiliateOfNode, type KubernetesNode, type NodeDropReport } from "./node-mapping.ts";
export {
  type KubernetesRequest,
  type KubernetesResponse,
  nodeApiOver,
  type SendKubernetesRequest,
} from "./node-requests.ts";
