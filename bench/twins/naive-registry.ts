/**
 * A registry as one would write it first: maps in maps, a full pass for expiry, a queue of messages per watcher.
 * It gives the same results as `MemoryRegistry` for requests within the limits, which it does not check.
 * @module
 */
import type { AffiliateView, UpdateRequest, WatchMessage } from "../../src/registry/index.ts";

interface NaiveAffiliate {
  data: Uint8Array;
  expiresAt: number;
  /** By their bytes in hex. */
  readonly endpoints: Map<string, { readonly bytes: Uint8Array; expiresAt: number }>;
}

interface NaiveWatcher {
  readonly queue: WatchMessage[];
  wake: () => void;
}

export class NaiveRegistry {
  readonly #clusters = new Map<string, Map<string, NaiveAffiliate>>();
  readonly #watchers = new Map<string, Set<NaiveWatcher>>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  update({ clusterId, affiliateId, data, endpoints, ttlMs }: UpdateRequest): void {
    const until = this.#now() + ttlMs;
    const cluster = this.#clusters.get(clusterId) ?? new Map<string, NaiveAffiliate>();
    this.#clusters.set(clusterId, cluster);
    let affiliate = cluster.get(affiliateId);
    let changed = affiliate === undefined;
    if (affiliate === undefined) {
      affiliate = { data: new Uint8Array(0), expiresAt: until, endpoints: new Map() };
      cluster.set(affiliateId, affiliate);
    }
    if (data !== undefined && data.length > 0) {
      if (hex(data) !== hex(affiliate.data)) {
        affiliate.data = data.slice();
        changed = true;
      }
      affiliate.expiresAt = until;
    } else {
      affiliate.expiresAt = Math.max(affiliate.expiresAt, until);
    }
    for (const bytes of endpoints) {
      const known = affiliate.endpoints.get(hex(bytes));
      if (known === undefined) {
        affiliate.endpoints.set(hex(bytes), { bytes: bytes.slice(), expiresAt: until });
        changed = true;
      } else {
        known.expiresAt = Math.max(known.expiresAt, until);
      }
    }
    if (changed) {
      this.#tell(clusterId, () => ({
        kind: "updated",
        affiliates: [viewOf(affiliateId, affiliate)],
      }));
    }
  }

  list(clusterId: string): readonly AffiliateView[] {
    const cluster = this.#clusters.get(clusterId) ?? [];
    return Array.from(cluster, ([id, affiliate]) => viewOf(id, affiliate));
  }

  async *watch(clusterId: string): AsyncGenerator<WatchMessage, void, undefined> {
    const watcher: NaiveWatcher = {
      queue: [{ kind: "snapshot", affiliates: this.list(clusterId) }],
      wake: () => {},
    };
    const watchers = this.#watchers.get(clusterId) ?? new Set<NaiveWatcher>();
    this.#watchers.set(clusterId, watchers.add(watcher));
    try {
      for (;;) {
        const message = watcher.queue.shift();
        if (message !== undefined) yield message;
        else await new Promise<void>((resolve) => Object.assign(watcher, { wake: resolve }));
      }
    } finally {
      watchers.delete(watcher);
    }
  }

  /** Takes away what has expired: a pass over everything. */
  sweep(): void {
    const now = this.#now();
    for (const [clusterId, cluster] of this.#clusters) {
      for (const [id, affiliate] of cluster) {
        if (affiliate.expiresAt <= now) {
          cluster.delete(id);
          this.#tell(clusterId, () => ({ kind: "deleted", ids: [id] }));
          continue;
        }
        let changed = false;
        for (const [key, endpoint] of affiliate.endpoints) {
          if (endpoint.expiresAt <= now) changed = affiliate.endpoints.delete(key);
        }
        if (changed) {
          this.#tell(clusterId, () => ({
            kind: "updated",
            affiliates: [viewOf(id, affiliate)],
          }));
        }
      }
      if (cluster.size === 0) this.#clusters.delete(clusterId);
    }
  }

  totals(): { clusters: number; affiliates: number } {
    let affiliates = 0;
    for (const cluster of this.#clusters.values()) affiliates += cluster.size;
    return { clusters: this.#clusters.size, affiliates };
  }

  #tell(clusterId: string, message: () => WatchMessage): void {
    for (const watcher of this.#watchers.get(clusterId) ?? []) {
      watcher.queue.push(message());
      watcher.wake();
    }
  }
}

function viewOf(id: string, { data, endpoints }: NaiveAffiliate): AffiliateView {
  return { id, data, endpoints: Array.from(endpoints.values(), ({ bytes }) => bytes) };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}
