/**
 * What discovery knows, and how it tells of changes.
 * @module
 */
import type { AffiliateSpec, MemberSpec } from "../resources/index.ts";
import type { Resource, ResourceEvent } from "../resources/resource.ts";
import type { RegistryStatus } from "../sources/discovery-registry.ts";

/** Everything known now. Live: look at it before the next `await`, or copy what has to stay. */
export interface DiscoveryState {
  /** Merged, by node ID. */
  readonly affiliates: ReadonlyMap<string, Resource<AffiliateSpec>>;
  /** As each registry has them, by raw ID: `k8s/2VfX…`. Never the local node. */
  readonly rawAffiliates: ReadonlyMap<string, Resource<AffiliateSpec>>;
  /** By node name. */
  readonly members: ReadonlyMap<string, Resource<MemberSpec>>;
}

/**
 * One step of `Discovery.watch`: everything known, once, then what changed since the step before,
 * raw affiliates before affiliates before members, each sorted by ID; a registry's new status at
 * any time, also before.
 */
export type DiscoveryChange =
  | { readonly kind: "snapshot"; readonly state: DiscoveryState }
  | {
      readonly kind: "changed";
      readonly state: DiscoveryState;
      /** `metadata.namespace` and `metadata.type` say of which kind each is. Never empty. */
      readonly events: readonly ResourceEvent<AffiliateSpec | MemberSpec>[];
    }
  | { readonly kind: "status"; readonly registry: string; readonly status: RegistryStatus };
