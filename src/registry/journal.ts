/**
 * How a registry in memory outlives its process: what is kept, and who keeps it.
 *
 * Times are what remains, not instants: so the time that a service was down does not count where a
 * journal does not want it to, and no clock has to agree with another. A journal that wants it to
 * count keeps the instant and subtracts.
 * @module
 */
import { createAffiliateState, expire } from "./affiliate-state.ts";
import { checkEndpointCount, checkUpdate, type RegistryLimits } from "./limits.ts";
import type { AffiliateState } from "./packed-affiliate.ts";

/** One affiliate as it is kept. */
export interface JournalAffiliate {
  readonly id: string;
  readonly data: Uint8Array;
  /** What remains of its life; over 0 when written, at most the longest TTL when loaded. */
  readonly ttlMs: number;
  readonly endpoints: readonly { readonly data: Uint8Array; readonly ttlMs: number }[];
}

/** A cluster as it is kept, or a part of one. */
export interface JournalCluster {
  readonly id: string;
  readonly affiliates: readonly JournalAffiliate[];
}

/** One change, as it is written through. */
export type JournalChange =
  | { readonly kind: "put"; readonly clusterId: string; readonly affiliate: JournalAffiliate }
  | { readonly kind: "delete"; readonly clusterId: string; readonly affiliateId: string };

/**
 * What a `MemoryRegistry` is loaded from, and written to: as a whole now and then (`save`), or
 * change by change (`record`).
 */
export interface Journal {
  /**
   * All that was kept, in order; a cluster may come in parts. What is unreadable is the journal's
   * to report: it ends the iteration, and what came before stays. An error thrown here makes
   * `MemoryRegistry.open` reject.
   */
  load(): Iterable<JournalCluster> | AsyncIterable<JournalCluster>;
  /**
   * Told of a loaded affiliate that the registry's limits refuse. It is passed over.
   *
   * @param error - A `DiscoveryError` with the code that an update would have got.
   */
  refused?(clusterId: string, affiliate: JournalAffiliate, error: unknown): void;
  /**
   * Told of each change before it is visible, without a wait: an error thrown here refuses the
   * update or delete, which has then changed nothing. An expiry happens all the same; the
   * registry's health says that the journal failed.
   *
   * @param change - Bytes belong to the registry: to be copied where they are kept and might be
   *   changed.
   */
  record?(change: JournalChange): void;
  /**
   * Told that who is registered, or with what, has changed, after the fact and many times; a
   * refresh that only prolongs a life does not count, nor does what is loaded. Must not throw.
   */
  changed?(): void;
  /**
   * Keeps everything. Called by `MemoryRegistry.save` and at `close`, never twice at once.
   *
   * @param clusters - Read as it is iterated: a cluster that changes meanwhile comes in its old or
   *   its new state. Each comes once.
   */
  save?(clusters: Iterable<JournalCluster>): void | Promise<void>;
  /**
   * Asked to have `MemoryRegistry.sweep` called at this instant, instead of a timer of the
   * registry's own: for runtimes that put a process to sleep. The latest call counts.
   *
   * @param instant - In ms of the registry's clock (`now`); `undefined` where nothing is left to
   *   expire.
   */
  wakeAt?(instant: number | undefined): void;
}

/** What is kept of an affiliate, as of `now`. */
export function toJournalAffiliate(state: AffiliateState, now: number): JournalAffiliate {
  const { id, data, endpoints } = state.view;
  const { endpointExpiries } = state;
  return {
    id,
    data,
    ttlMs: state.expiresAt - now,
    endpoints: endpoints.map((endpoint, i) => ({
      data: endpoint,
      ttlMs: (endpointExpiries[i] as number) - now,
    })),
  };
}

/**
 * Brings a kept affiliate back. A remaining time over the longest TTL is cut to it.
 *
 * @param restartGraceMs - What remains at least, of it and of its endpoints.
 * @returns `null` where nothing remains of its life.
 * @throws {DiscoveryError} Where an update of this content would be refused.
 */
export function fromJournalAffiliate(
  clusterId: string,
  { id, data, ttlMs, endpoints }: JournalAffiliate,
  now: number,
  limits: RegistryLimits,
  restartGraceMs = 0,
): AffiliateState | null {
  const bytes = endpoints.map((endpoint) => endpoint.data);
  checkUpdate({ clusterId, affiliateId: id, data, endpoints: bytes, ttlMs: 0 }, limits);
  checkEndpointCount(bytes.length, limits);
  const expiresAt = (remainingMs: number): number =>
    now + Math.min(Math.max(remainingMs, restartGraceMs), limits.maxTtlMs);
  const expiries = endpoints.map((endpoint) => expiresAt(endpoint.ttlMs));
  return expire(createAffiliateState(id, data, expiresAt(ttlMs), bytes, expiries, now), now);
}
