/**
 * The state of a discovery service: sealed affiliates by cluster, which expire and are watched.
 * @module
 */

export type { ScheduleWake } from "../async/timers.ts";
export {
  createAffiliateState,
  expire,
  type MergeResult,
  merge,
} from "./affiliate-state.ts";
export { affiliateWire, createAffiliateView } from "./affiliate-wire.ts";
export { ClientShares, type ClientSharesOptions } from "./client-shares.ts";
export {
  fromJournalAffiliate,
  type Journal,
  type JournalAffiliate,
  type JournalChange,
  type JournalCluster,
  toJournalAffiliate,
} from "./journal.ts";
export {
  checkAffiliateId,
  checkClusterId,
  checkRoomForAffiliate,
  checkRoomForCluster,
  checkRoomInTotal,
  checkUpdate,
  DEFAULT_MAX_AFFILIATES,
  DEFAULT_MAX_CLUSTERS,
  DEFAULT_REGISTRY_LIMITS,
  type RegistryLimits,
  resolveRegistryLimits,
} from "./limits.ts";
export { MemoryBudget, type MemoryKind } from "./memory-budget.ts";
export { MemoryRegistry, type MemoryRegistryOptions } from "./memory-registry.ts";
export {
  type AffiliateState,
  type AffiliateTimes,
  type PackedView,
  unpackAffiliate,
  type WiredAffiliateView,
} from "./packed-affiliate.ts";
export type {
  AffiliateView,
  Awaitable,
  Registry,
  RegistryCallOptions,
  RegistryClient,
  RegistryHealth,
  RegistryObservers,
  RegistryTotals,
  Swept,
  UpdateRequest,
  WatchMessage,
} from "./registry.ts";
export type { RegistrySharesOptions } from "./state-accounts.ts";
export {
  AFFILIATE_OVERHEAD_BYTES,
  type AffiliateSize,
  CLUSTER_OVERHEAD_BYTES,
  stateBytes,
} from "./state-bytes.ts";
