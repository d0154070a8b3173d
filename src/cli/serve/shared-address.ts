/**
 * Whether the service sees its clients' own addresses. Behind NAT, kube-proxy or a proxy that is
 * not trusted, nearly all nodes have one private address: they share its rate limits and shares,
 * and `Hello` tells all of them the same.
 * @module
 */
import { isPrivateAddress } from "../../net/private-address.ts";
import type { CallReport } from "../../server/index.ts";

/** Nodes are looked at for this long, so that one cluster that comes first is not taken for all. */
const WINDOW_MS = 5 * 60_000;

/** Fewer nodes may well share a machine or a network. */
const MIN_NODES = 20;

/** Enough to tell a share of 90 %; more are not looked at. */
const MAX_NODES = 1000;

/** More than this part of the nodes has the address. */
const SHARED_PART = 0.9;

/** What is looked at of a call. */
export type ObservedCall = Pick<
  CallReport,
  "method" | "code" | "clusterId" | "affiliateId" | "clientAddress"
>;

/** Finds the address that nearly all nodes share. */
export class SharedAddress {
  readonly #now: () => number;
  readonly #nodes = new Set<string>();
  readonly #nodesByAddress = new Map<string, number>();
  #windowEnd: number | undefined;
  #isFound = false;

  /** @param now - In ms, monotonic. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Looks at a call. Updates that succeed count: each names a node.
   *
   * @returns The address, at the first call after it is clear, and never again.
   */
  observe(call: ObservedCall): string | undefined {
    if (this.#isFound || call.method !== "AffiliateUpdate" || call.code !== "OK") return undefined;
    const now = this.#now();
    this.#windowEnd ??= now + WINDOW_MS;
    if (now < this.#windowEnd) {
      this.#count(call);
      return undefined;
    }
    const address = this.#sharedAddress();
    this.#isFound = address !== undefined;
    this.#nodes.clear();
    this.#nodesByAddress.clear();
    this.#windowEnd = now + WINDOW_MS;
    return address;
  }

  #count({ clusterId, affiliateId, clientAddress }: ObservedCall): void {
    if (this.#nodes.size >= MAX_NODES) return;
    const node = `${clusterId}\n${affiliateId}`;
    if (this.#nodes.has(node)) return;
    this.#nodes.add(node);
    if (clientAddress === undefined) return;
    this.#nodesByAddress.set(clientAddress, (this.#nodesByAddress.get(clientAddress) ?? 0) + 1);
  }

  #sharedAddress(): string | undefined {
    if (this.#nodes.size < MIN_NODES) return undefined;
    for (const [address, nodes] of this.#nodesByAddress) {
      if (nodes > SHARED_PART * this.#nodes.size) {
        return isPrivateAddress(address) ? address : undefined;
      }
    }
    return undefined;
  }
}
