/**
 * How much memory the state takes: what is packed, and measured constants for what is around it.
 * @module
 */
import { fieldBytes } from "../protocol/field-bytes.ts";
import {
  MAX_AFFILIATE_DATA_BYTES,
  MAX_AFFILIATE_ENDPOINTS,
  MAX_AFFILIATE_ID_BYTES,
  MAX_ENDPOINT_BYTES,
} from "../protocol/limits.ts";
import { wireStart } from "./packed-affiliate.ts";

/**
 * What an affiliate takes besides its packed form and the text of its ID: objects, its places in
 * the maps, in the order of expiry and in the cluster's list, and what the allocator adds.
 *
 * Measured as growth of RSS for each of 100,000 affiliates that are added to as many
 * (`bench/cases/memory-state-process.ts`), less the packed form and the ID: 480 to 495 bytes, from
 * the smallest to the largest affiliate.
 */
export const AFFILIATE_OVERHEAD_BYTES = 512;

/**
 * What a cluster takes besides its affiliates and the text of its ID: 330 bytes, measured in the
 * same way with one affiliate in each, and 250 while it is watched.
 */
export const CLUSTER_OVERHEAD_BYTES = 640;

/** How large an affiliate is. */
export interface AffiliateSize {
  /** ID, in ASCII characters. @default 256 */
  readonly idBytes?: number | undefined;
  /** @default 2048 */
  readonly dataBytes?: number | undefined;
  /** @default 64 */
  readonly endpoints?: number | undefined;
  /** Of each endpoint. @default 32 */
  readonly endpointBytes?: number | undefined;
}

/**
 * How many bytes of a `MemoryBudget` an affiliate takes, without its cluster.
 *
 * @param size - The default is the largest that the protocol allows.
 * @example
 * const largest = Math.floor((0.9 * maxBytes) / stateBytes());
 */
export function stateBytes({
  idBytes = MAX_AFFILIATE_ID_BYTES,
  dataBytes = MAX_AFFILIATE_DATA_BYTES,
  endpoints = MAX_AFFILIATE_ENDPOINTS,
  endpointBytes = MAX_ENDPOINT_BYTES,
}: AffiliateSize = {}): number {
  const message =
    fieldBytes(idBytes) +
    (dataBytes > 0 ? fieldBytes(dataBytes) : 0) +
    endpoints * fieldBytes(endpointBytes);
  return AFFILIATE_OVERHEAD_BYTES + idBytes + wireStart(endpoints) + fieldBytes(message);
}

/** Bytes of an affiliate, given those of its packed form. */
export function affiliateStateBytes(affiliateId: string, packedBytes: number): number {
  return AFFILIATE_OVERHEAD_BYTES + textBytes(affiliateId) + packedBytes;
}

/** Bytes of a cluster without its affiliates. */
export function clusterStateBytes(clusterId: string): number {
  return CLUSTER_OVERHEAD_BYTES + textBytes(clusterId);
}

/** JavaScript keeps one byte a character as long as no character needs two. */
function textBytes(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return 2 * text.length;
  return text.length;
}
