/**
 * What a client knows of the other nodes, and how it tells of changes.
 * @module
 */
import type { AffiliateData } from "../protocol/affiliate.ts";

/** Another node of the cluster, opened. */
export interface DiscoveredAffiliate extends AffiliateData {
  /** Base62; equal to the ID under which the service lists it. */
  readonly nodeId: string;
  /** `IP:port` at which it may be reached, as it and others reported, in the service's order. */
  readonly endpoints: readonly string[];
}

/** One step of `DiscoveryClient.watch`: everything known, then each change. */
export type AffiliateChange =
  | { readonly kind: "snapshot"; readonly affiliates: readonly DiscoveredAffiliate[] }
  | { readonly kind: "updated"; readonly affiliate: DiscoveredAffiliate }
  | { readonly kind: "deleted"; readonly nodeId: string };

/** Bad data from another node or the service: dropped and reported, never thrown. */
export type DropReport =
  | { readonly reason: "affiliate_too_short"; readonly nodeId: string; readonly bytes: number }
  | { readonly reason: "affiliate_tag_mismatch"; readonly nodeId: string }
  | { readonly reason: "affiliate_malformed"; readonly nodeId: string }
  | {
      readonly reason: "affiliate_id_mismatch";
      /** Under which the service lists it. */
      readonly nodeId: string;
      /** Which the sealed data claims. */
      readonly sealedNodeId: string;
    }
  | { readonly reason: "endpoint_malformed"; readonly nodeId: string; readonly index: number }
  | {
      /** Far more in one message than a service may hold. */
      readonly reason: "affiliates_over_limit";
      /** The first that was left out. */
      readonly nodeId: string;
      /** How many were left out. */
      readonly count: number;
    }
  | { readonly reason: "endpoints_over_limit"; readonly nodeId: string; readonly count: number };
