/**
 * The registry's slow twin: the rules of the protocol in the plainest words, computed from scratch at every look.
 * @module
 */
import type { UpdateRequest } from "../../../src/registry/registry.ts";

interface NaiveEndpoint {
  readonly bytes: string;
  expiresAt: number;
  /** Until when the node's own report of it lasts; 0 if only others have reported it. */
  ownUntil: number;
}

interface NaiveAffiliate {
  readonly id: string;
  data: string;
  expiresAt: number;
  endpoints: NaiveEndpoint[];
}

/** What is visible of an affiliate; bytes as hex. */
export interface NaiveView {
  readonly id: string;
  readonly data: string;
  readonly endpoints: readonly string[];
}

export interface NaiveLimits {
  readonly maxAffiliateEndpoints: number;
  readonly maxClusterAffiliates: number;
}

export class NaiveRegistry {
  readonly #clusters = new Map<string, NaiveAffiliate[]>();
  readonly #limits: NaiveLimits;
  readonly #now: () => number;

  constructor(now: () => number, limits: NaiveLimits) {
    this.#now = now;
    this.#limits = limits;
  }

  /** @returns What refuses it, if anything does. */
  update({ clusterId, affiliateId, data, endpoints, ttlMs }: UpdateRequest): string | undefined {
    const affiliates = this.#alive(clusterId);
    const until = this.#now() + ttlMs;
    const found = affiliates.find((affiliate) => affiliate.id === affiliateId);
    const next: NaiveAffiliate = found
      ? { ...found, endpoints: found.endpoints.map((endpoint) => ({ ...endpoint })) }
      : { id: affiliateId, data: "", expiresAt: until, endpoints: [] };
    const isFromNode = data !== undefined && data.length > 0;
    const own = new Set<NaiveEndpoint>();
    for (const bytes of endpoints.map(hex)) {
      let endpoint = next.endpoints.find((known) => known.bytes === bytes);
      if (endpoint === undefined) {
        endpoint = { bytes, expiresAt: until, ownUntil: 0 };
        next.endpoints.push(endpoint);
      }
      endpoint.expiresAt = Math.max(endpoint.expiresAt, until);
      if (!isFromNode) continue;
      endpoint.ownUntil = Math.max(endpoint.ownUntil, until);
      own.add(endpoint);
    }
    for (const endpoint of next.endpoints) {
      if (endpoint.ownUntil > this.#now()) own.add(endpoint);
    }
    if (next.endpoints.length > this.#limits.maxAffiliateEndpoints) {
      if (!isFromNode || own.size > this.#limits.maxAffiliateEndpoints) {
        return "ERR_TOO_MANY_ENDPOINTS";
      }
      while (next.endpoints.length > this.#limits.maxAffiliateEndpoints) {
        const oldest = next.endpoints.findIndex((endpoint) => !own.has(endpoint));
        next.endpoints.splice(oldest, 1);
      }
    }
    if (isFromNode) {
      next.data = hex(data);
      next.expiresAt = until;
    } else {
      next.expiresAt = Math.max(next.expiresAt, until);
    }
    if (found === undefined && affiliates.length >= this.#limits.maxClusterAffiliates) {
      return "ERR_TOO_MANY_AFFILIATES";
    }
    this.#clusters.set(
      clusterId,
      found
        ? affiliates.map((affiliate) => (affiliate === found ? next : affiliate))
        : [...affiliates, next],
    );
    return undefined;
  }

  delete(clusterId: string, affiliateId: string): void {
    this.#clusters.set(
      clusterId,
      this.#alive(clusterId).filter((affiliate) => affiliate.id !== affiliateId),
    );
  }

  list(clusterId: string): NaiveView[] {
    return this.#alive(clusterId).map(({ id, data, endpoints }) => ({
      id,
      data,
      endpoints: endpoints.map((endpoint) => endpoint.bytes),
    }));
  }

  totals(): { affiliates: number; endpoints: number } {
    const affiliates = [...this.#clusters.keys()].flatMap((clusterId) => this.list(clusterId));
    return {
      affiliates: affiliates.length,
      endpoints: affiliates.flatMap((affiliate) => affiliate.endpoints).length,
    };
  }

  #alive(clusterId: string): NaiveAffiliate[] {
    const affiliates = this.#clusters.get(clusterId) ?? [];
    return affiliates
      .filter((affiliate) => affiliate.expiresAt > this.#now())
      .map((affiliate) => ({
        ...affiliate,
        endpoints: affiliate.endpoints.filter((endpoint) => endpoint.expiresAt > this.#now()),
      }));
  }
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
