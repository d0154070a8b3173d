/**
 * Which node is meant: by its ID, or by the name under which it is a member.
 * @module
 */
import { distance } from "fastest-levenshtein";
import type { ClusterService } from "../cluster/cluster-access.ts";
import type { AffiliateCopy, ServiceListing } from "./service-copies.ts";

/** How many typing mistakes make another name. */
const MAX_MISTAKES = 2;

const MAX_NAMES = 5;

/** Longer than any name of a node: what is longer is not compared. */
const MAX_NAME_CHARACTERS = 253;

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

/**
 * Finds names that differ by a few characters, by upper case, or in what follows or comes before.
 *
 * @returns At most five, the closest first.
 * @example
 * closeNames("worker-01", ["worker-1", "cp-1"]); // ["worker-1"]
 */
export function closeNames(name: string, names: Iterable<string>): string[] {
  const wanted = name.toLowerCase();
  if (wanted === "" || wanted.length > MAX_NAME_CHARACTERS) return [];
  return [...new Set(names)]
    .map((candidate) => ({ candidate, mistakes: mistakesIn(wanted, candidate.toLowerCase()) }))
    .filter(({ mistakes }) => mistakes <= MAX_MISTAKES)
    .sort((a, b) => a.mistakes - b.mistakes || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, MAX_NAMES)
    .map(({ candidate }) => candidate);
}

function mistakesIn(wanted: string, candidate: string): number {
  if (candidate === "" || candidate.length > MAX_NAME_CHARACTERS) return Number.POSITIVE_INFINITY;
  if (candidate.startsWith(`${wanted}.`) || wanted.startsWith(`${candidate}.`)) return 1;
  return distance(wanted, candidate);
}
