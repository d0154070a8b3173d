/**
 * Which node is meant: by its ID, or by the name under which it is a member.
 * @module
 */
import type { ClusterService } from "../cluster/cluster-access.ts";
import { closeNames } from "./close-names.ts";
import type { AffiliateCopy, ServiceListing } from "./service-copies.ts";

/** A copy, and who holds it. */
export interface HeldCopy extends AffiliateCopy {
  readonly service: ClusterService;
}

/** What a name led to. */
export type NodeChoice =
  | {
      readonly kind: "found";
      readonly nodeId: string;
      /** Empty where the node does not call itself anything. */
      readonly name: string;
      /** In the order of the services. */
      readonly copies: readonly HeldCopy[];
    }
  /** Several nodes have this name. Sorted by node ID. */
  | { readonly kind: "ambiguous"; readonly copies: readonly HeldCopy[] }
  | {
      readonly kind: "unknown";
      /** Names that are like it. */
      readonly close: readonly string[];
      /** Nodes whose copies did not open, so that they have no names. */
      readonly unopened: number;
      /** Nodes in all. */
      readonly known: number;
    };

/**
 * Looks for a node. An exact ID goes before a name.
 *
 * @param node - As the user typed it.
 */
export function chooseNode(listings: readonly ServiceListing[], node: string): NodeChoice {
  const copies = listings.flatMap((listing) =>
    "copies" in listing
      ? [...listing.copies.values()].map((copy) => ({ ...copy, service: listing.service }))
      : [],
  );
  const byId = Map.groupBy(copies, ({ nodeId }) => nodeId);
  const named = copies.filter(({ spec }) => spec?.nodename === node).map(({ nodeId }) => nodeId);
  const ids = byId.has(node) ? [node] : [...new Set(named)].sort();
  const chosen = ids.flatMap((id) => byId.get(id) ?? []);
  const [nodeId] = ids;
  if (nodeId === undefined) {
    const opened = copies.flatMap(({ spec }) => spec ?? []);
    const names = opened.flatMap(({ nodename, hostname }) => [nodename || hostname]);
    return {
      kind: "unknown",
      close: closeNames(node, names),
      unopened: byId.size - new Set(opened.map((spec) => spec.nodeId)).size,
      known: byId.size,
    };
  }
  if (ids.length > 1) return { kind: "ambiguous", copies: chosen };
  const name = chosen.map(({ spec }) => spec?.nodename ?? "").find((text) => text !== "") ?? "";
  return { kind: "found", nodeId, name, copies: chosen };
}
