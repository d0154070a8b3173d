/**
 * How much a registry takes, and the checks of a request that need no state.
 *
 * The texts are the reference service's, which people search for.
 * @module
 */
import { checkInteger } from "../check.ts";
import { DiscoveryError, type DiscoveryErrorCode } from "../errors.ts";
import {
  MAX_AFFILIATE_DATA_BYTES,
  MAX_AFFILIATE_ENDPOINTS,
  MAX_AFFILIATE_ID_BYTES,
  MAX_CLUSTER_AFFILIATES,
  MAX_CLUSTER_ID_BYTES,
  MAX_ENDPOINT_BYTES,
  MAX_TTL_MS,
} from "../protocol/limits.ts";
import type { UpdateRequest } from "./registry.ts";

/**
 * Clusters of one registry, unless told otherwise. The reference has no ceiling, so one caller can
 * fill its memory. This many clusters of one affiliate each, with 400 bytes of data and three
 * endpoints, take about 155 MB.
 */
export const DEFAULT_MAX_CLUSTERS = 100_000;

/**
 * Affiliates of one registry, unless told otherwise: about 240 MB with 400 bytes of data and three
 * endpoints each, 1.1 GB if untrusted clients fill each to its limits. A `MemoryBudget` bounds that.
 */
export const DEFAULT_MAX_AFFILIATES = 200_000;

/** The largest a request and the state may be. All are positive integers. */
export interface RegistryLimits {
  /** Longest cluster ID, in bytes of UTF-8. @default 256 */
  readonly maxClusterIdBytes: number;
  /** Longest affiliate ID, in bytes of UTF-8. @default 256 */
  readonly maxAffiliateIdBytes: number;
  /** Largest sealed affiliate, in bytes. @default 2048 */
  readonly maxAffiliateDataBytes: number;
  /** Largest sealed endpoint, in bytes. @default 32 */
  readonly maxEndpointBytes: number;
  /**
   * Most endpoints of one affiliate: those not yet expired and the new ones of a request together.
   * @default 64
   */
  readonly maxAffiliateEndpoints: number;
  /** Most affiliates of one cluster. @default 1024 */
  readonly maxClusterAffiliates: number;
  /** Longest TTL. @default 1_800_000 */
  readonly maxTtlMs: number;
  /** Most clusters, counting those that are only watched. @default 100_000 */
  readonly maxClusters: number;
  /** Most affiliates of all clusters together. @default 200_000 */
  readonly maxAffiliates: number;
}

/** The protocol's limits, {@link DEFAULT_MAX_CLUSTERS} and {@link DEFAULT_MAX_AFFILIATES}. */
export const DEFAULT_REGISTRY_LIMITS: RegistryLimits = /* @__PURE__ */ Object.freeze({
  maxClusterIdBytes: MAX_CLUSTER_ID_BYTES,
  maxAffiliateIdBytes: MAX_AFFILIATE_ID_BYTES,
  maxAffiliateDataBytes: MAX_AFFILIATE_DATA_BYTES,
  maxEndpointBytes: MAX_ENDPOINT_BYTES,
  maxAffiliateEndpoints: MAX_AFFILIATE_ENDPOINTS,
  maxClusterAffiliates: MAX_CLUSTER_AFFILIATES,
  maxTtlMs: MAX_TTL_MS,
  maxClusters: DEFAULT_MAX_CLUSTERS,
  maxAffiliates: DEFAULT_MAX_AFFILIATES,
});

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} If a limit is not a positive integer.
 */
export function resolveRegistryLimits(limits: Partial<RegistryLimits> = {}): RegistryLimits {
  const resolved: Record<string, number> = { ...DEFAULT_REGISTRY_LIMITS };
  for (const [name, value] of Object.entries(limits)) {
    if (value === undefined) continue;
    resolved[name] = checkInteger(`limits.${name}`, value, 1);
  }
  return resolved as unknown as RegistryLimits;
}

/** @throws {DiscoveryError} `ERR_CLUSTER_ID_EMPTY`, `ERR_CLUSTER_ID_TOO_LONG` */
export function checkClusterId(
  clusterId: string,
  limits: RegistryLimits = DEFAULT_REGISTRY_LIMITS,
): void {
  if (clusterId === "") refuse("ERR_CLUSTER_ID_EMPTY", "cluster ID can't be empty");
  if (isLongerThan(clusterId, limits.maxClusterIdBytes)) {
    refuse("ERR_CLUSTER_ID_TOO_LONG", "cluster ID is too long");
  }
}

/** @throws {DiscoveryError} `ERR_AFFILIATE_ID_EMPTY`, `ERR_AFFILIATE_ID_TOO_LONG` */
export function checkAffiliateId(
  affiliateId: string,
  limits: RegistryLimits = DEFAULT_REGISTRY_LIMITS,
): void {
  if (affiliateId === "") refuse("ERR_AFFILIATE_ID_EMPTY", "affiliate ID can't be empty");
  if (isLongerThan(affiliateId, limits.maxAffiliateIdBytes)) {
    refuse("ERR_AFFILIATE_ID_TOO_LONG", "affiliate ID is too long");
  }
}

/**
 * Checks what an update says of itself: IDs, sizes, TTL. How many endpoints and affiliates there
 * may be depends on the state, and is checked with it.
 *
 * @throws {DiscoveryError} `ERR_CLUSTER_ID_EMPTY` to `ERR_TTL_NEGATIVE`.
 * @throws {RangeError} Where `ttlMs` is not a number.
 */
export function checkUpdate(
  request: UpdateRequest,
  limits: RegistryLimits = DEFAULT_REGISTRY_LIMITS,
): void {
  checkClusterId(request.clusterId, limits);
  checkAffiliateId(request.affiliateId, limits);
  if (request.data !== undefined && request.data.length > limits.maxAffiliateDataBytes) {
    refuse("ERR_AFFILIATE_DATA_TOO_BIG", "affiliate data is too big");
  }
  for (const endpoint of request.endpoints) {
    if (endpoint.length > limits.maxEndpointBytes) {
      refuse("ERR_ENDPOINT_TOO_BIG", "affiliate endpoint is too big");
    }
  }
  if (Number.isNaN(request.ttlMs)) throw new RangeError("ttlMs must be a number, got NaN");
  if (request.ttlMs > limits.maxTtlMs) refuse("ERR_TTL_TOO_LARGE", "ttl is too large");
  if (request.ttlMs < 0) refuse("ERR_TTL_NEGATIVE", "ttl is negative");
}

/**
 * Checks that a cluster has room for one more affiliate.
 *
 * @param affiliates - How many it has.
 * @throws {DiscoveryError} `ERR_TOO_MANY_AFFILIATES`
 */
export function checkRoomForAffiliate(affiliates: number, limits: RegistryLimits): void {
  if (affiliates >= limits.maxClusterAffiliates) {
    refuse("ERR_TOO_MANY_AFFILIATES", "too many affiliates in the cluster");
  }
}

/**
 * Checks that an affiliate may have this many endpoints.
 *
 * @throws {DiscoveryError} `ERR_TOO_MANY_ENDPOINTS`
 */
export function checkEndpointCount(endpoints: number, limits: RegistryLimits): void {
  if (endpoints > limits.maxAffiliateEndpoints) {
    refuse("ERR_TOO_MANY_ENDPOINTS", "too many endpoints in the affiliate");
  }
}

/**
 * Checks that a registry has room for one more cluster.
 *
 * @param clusters - How many it has.
 * @throws {DiscoveryError} `ERR_TOO_MANY_CLUSTERS`
 */
export function checkRoomForCluster(clusters: number, limits: RegistryLimits): void {
  if (clusters >= limits.maxClusters) refuse("ERR_TOO_MANY_CLUSTERS", "too many clusters");
}

/**
 * Checks that a registry has room for one more affiliate, in whatever cluster.
 *
 * @param affiliates - How many it has.
 * @throws {DiscoveryError} `ERR_TOO_MANY_AFFILIATES_IN_TOTAL`
 */
export function checkRoomInTotal(affiliates: number, limits: RegistryLimits): void {
  if (affiliates >= limits.maxAffiliates) {
    refuse("ERR_TOO_MANY_AFFILIATES_IN_TOTAL", "too many affiliates");
  }
}

function refuse(code: DiscoveryErrorCode, message: string): never {
  throw new DiscoveryError(code, message);
}

/**
 * Whether `text` takes more than `bytes` bytes of UTF-8; counts no further than it must, and
 * encodes nothing.
 */
function isLongerThan(text: string, bytes: number): boolean {
  // A UTF-16 unit takes 1 to 3 bytes (half a surrogate pair takes 2).
  if (text.length * 3 <= bytes) return false;
  if (text.length > bytes) return true;
  let used = 0;
  for (let i = 0; i < text.length; i++) {
    const codePoint = text.codePointAt(i) as number;
    if (codePoint > 0xffff) i++;
    used += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint > 0xffff ? 4 : 3;
  }
  return used > bytes;
}
