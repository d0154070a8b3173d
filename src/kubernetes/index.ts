/**
 * Discovery by annotations of Kubernetes nodes.
 * @module
 */
export { ANNOTATIONS } from "./annotations.ts";
