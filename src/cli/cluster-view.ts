/**
 * The cluster as one machine sees it: what the client tells, as resources.
 * @module
 */
import type { AffiliateChange } from "../client/index.ts";
import {
  AFFILIATES,
  type AffiliateSpec,
  createAffiliateSpec,
  MEMBERS,
  type MemberSpec,
  membersOf,
  type ResourceDefinition,
} from "../resources/index.ts";

/** A kind of resource, and how it is made from the affiliates. */
export interface ClusterListing<Spec extends object> {
  readonly definition: ResourceDefinition<Spec>;
  readonly select: (affiliates: ReadonlyMap<string, AffiliateSpec>) => ReadonlyMap<string, Spec>;
}

/** Everyone who holds the cluster's ID and secret. */
export const AFFILIATE_LISTING: ClusterListing<AffiliateSpec> = {
  definition: AFFILIATES,
  select: (affiliates) => affiliates,
};

/** Those with a node name. */
export const MEMBER_LISTING: ClusterListing<MemberSpec> = {
  definition: MEMBERS,
  select: (affiliates) => membersOf(affiliates.values()),
};

/** All affiliates as of the last change. */
export class ClusterView {
  readonly #own: AffiliateSpec | undefined;
  readonly #affiliates = new Map<string, AffiliateSpec>();

  /** @param own - This machine, where it takes part: it is shown from local data, not as a service lists it. */
  constructor(own?: AffiliateSpec) {
    this.#own = own;
    this.#reset();
  }

  /** By node ID; live. */
  get affiliates(): ReadonlyMap<string, AffiliateSpec> {
    return this.#affiliates;
  }

  /** Takes in what `DiscoveryClient.watch` tells. */
  apply(change: AffiliateChange): void {
    switch (change.kind) {
      case "snapshot":
        this.#reset();
        for (const affiliate of change.affiliates) {
          this.#affiliates.set(affiliate.nodeId, createAffiliateSpec(affiliate));
        }
        break;
      case "updated":
        this.#affiliates.set(change.affiliate.nodeId, createAffiliateSpec(change.affiliate));
        break;
      case "deleted":
        this.#affiliates.delete(change.nodeId);
        break;
    }
  }

  #reset(): void {
    this.#affiliates.clear();
    if (this.#own !== undefined) this.#affiliates.set(this.#own.nodeId, this.#own);
  }
}
