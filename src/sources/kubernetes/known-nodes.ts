/**
 * The `Node` objects that are known, and which of them is whose affiliate.
 * @module
 */
import type { AffiliateSpec } from "../../resources/affiliate.ts";
import type { RegistryFeed } from "../registry-feed.ts";
import { affiliateOfNode, type KubernetesNode, type NodeDropReport } from "./node-mapping.ts";

/** What is kept of a `Node` object, which is many times as large. */
export interface KnownNode {
  readonly name: string;
  readonly createdAt: string;
  readonly affiliate: AffiliateSpec;
  /**
   * All of the above and what was wrong, to compare: objects change every few minutes, and these
   * hardly ever.
   */
  readonly told: string;
}

export interface KnownNodesOptions {
  /** Of affiliates by node ID. */
  readonly feed: RegistryFeed;
  /** Ours, which is skipped. */
  readonly nodeId: string | undefined;
  /** Of our `Node` object, which is skipped. */
  readonly nodeName: string | undefined;
  readonly onDrop: (report: NodeDropReport) => void;
}

export class KnownNodes {
  readonly #options: KnownNodesOptions;
  readonly #byName = new Map<string, KnownNode>();
  /** Names of the objects that claim an ID. More than one is rare, as after a node was renamed. */
  readonly #claims = new Map<string, Set<string>>();
  /** What was last reported of an object that is left out, by its name. */
  readonly #reported = new Map<string, { readonly node: KnownNode; readonly usedName: string }>();

  constructor(options: KnownNodesOptions) {
    this.#options = options;
  }

  /**
   * What there is to know of a node: the same object as before where nothing has changed,
   * `undefined` for no affiliate.
   */
  read(node: KubernetesNode): KnownNode | undefined {
    const { nodeId, nodeName, onDrop } = this.#options;
    const { name, creationTimestamp: createdAt = "" } = node.metadata;
    if (name === nodeName) return undefined;
    const reports: NodeDropReport[] = [];
    const affiliate = affiliateOfNode(node, (report) => reports.push(report));
    if (affiliate === undefined || affiliate.nodeId === nodeId) return undefined;
    const told = JSON.stringify([affiliate, createdAt, reports]);
    const known = this.#byName.get(name);
    if (known?.told === told) return known;
    for (const report of reports) onDrop(report);
    return { name, createdAt, affiliate, told };
  }

  /** Takes these for all that there are. */
  replace(nodes: readonly KnownNode[]): void {
    this.#byName.clear();
    this.#claims.clear();
    for (const node of nodes) this.#add(node);
    for (const name of this.#reported.keys()) {
      if (!this.#byName.has(name)) this.#reported.delete(name);
    }
    const holders = [...this.#claims.keys()].flatMap((nodeId) => this.#decide(nodeId) ?? []);
    this.#options.feed.replace(holders.map(({ affiliate }) => affiliate));
  }

  /** A node that is new or has changed, or `undefined` for one that is gone or no affiliate. */
  set(name: string, node: KnownNode | undefined): void {
    const before = this.#byName.get(name);
    if (before === node) return;
    if (before !== undefined) this.#remove(before);
    if (node !== undefined) this.#add(node);
    for (const nodeId of new Set([before?.affiliate.nodeId, node?.affiliate.nodeId])) {
      if (nodeId === undefined) continue;
      const holder = this.#decide(nodeId);
      if (holder === undefined) this.#options.feed.delete(nodeId);
      else this.#options.feed.set(holder.affiliate);
    }
  }

  #add(node: KnownNode): void {
    this.#byName.set(node.name, node);
    const claims = this.#claims.get(node.affiliate.nodeId);
    if (claims === undefined) this.#claims.set(node.affiliate.nodeId, new Set([node.name]));
    else claims.add(node.name);
  }

  #remove({ name, affiliate: { nodeId } }: KnownNode): void {
    this.#byName.delete(name);
    this.#reported.delete(name);
    const claims = this.#claims.get(nodeId);
    claims?.delete(name);
    if (claims?.size === 0) this.#claims.delete(nodeId);
  }

  /**
   * Of several, the one that was made last, and of those the first by name: every node decides
   * alike.
   */
  #holder(nodeId: string): KnownNode | undefined {
    let holder: KnownNode | undefined;
    for (const name of this.#claims.get(nodeId) ?? []) {
      const rival = this.#byName.get(name);
      if (rival !== undefined && (holder === undefined || isBefore(rival, holder))) holder = rival;
    }
    return holder;
  }

  /**
   * @returns Whose the ID is; the others are reported, each once until it, or who is used, changes.
   */
  #decide(nodeId: string): KnownNode | undefined {
    const holder = this.#holder(nodeId);
    if (holder === undefined) return undefined;
    this.#reported.delete(holder.name);
    for (const nodeName of this.#claims.get(nodeId) ?? []) {
      const node = this.#byName.get(nodeName);
      const last = this.#reported.get(nodeName);
      const isTold = last?.node === node && last?.usedName === holder.name;
      if (node === undefined || node === holder || isTold) continue;
      this.#reported.set(nodeName, { node, usedName: holder.name });
      const usedNodeName = holder.name;
      this.#options.onDrop({ reason: "node_id_duplicate", nodeName, nodeId, usedNodeName });
    }
    return holder;
  }
}

function isBefore(a: KnownNode, b: KnownNode): boolean {
  return a.createdAt === b.createdAt ? a.name < b.name : a.createdAt > b.createdAt;
}
