/**
 * What every resource has besides its spec: where it lives, its name, and how often it changed.
 * @module
 */

/** Namespace of everything that discovery shows merged. */
export const CLUSTER_NAMESPACE = "cluster";

/** Namespace of affiliates as each registry has them. */
export const RAW_NAMESPACE = "cluster-raw";

/** Namespace of everything about the WireGuard mesh. */
export const KUBESPAN_NAMESPACE = "kubespan";

/**
 * Who a resource is, as `talosctl get -o yaml` shows it. Fields that are not known are left out.
 */
export interface ResourceMetadata {
  readonly namespace: string;
  /** Full type: `Members.cluster.talos.dev`. */
  readonly type: string;
  readonly id: string;
  /** 1 when it was first seen, one more with each change. */
  readonly version: number;
  readonly phase: "running";
  /** When it appeared, RFC 3339. Absent where it was there before anybody looked. */
  readonly created?: string;
  /**
   * When it last changed, RFC 3339. Absent where it was there before anybody looked and has not
   * changed since.
   */
  readonly updated?: string;
}

/** One row of a `get` table: plain data. */
export interface Resource<Spec> {
  readonly metadata: ResourceMetadata;
  readonly spec: Spec;
}

/** What happened to a resource. A destroyed one carries its last state. */
export interface ResourceEvent<Spec> {
  readonly event: "created" | "updated" | "destroyed";
  readonly resource: Resource<Spec>;
}
