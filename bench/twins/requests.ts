/**
 * What nodes send, by size: the bytes are random, as sealed ones look.
 * @module
 */
import { randomBytes } from "node:crypto";
import { MAX_TTL_MS } from "../../src/protocol/index.ts";
import type { AffiliateView } from "../../src/registry/index.ts";

/** Sealed, of a node with two or three addresses and KubeSpan. */
const DATA_BYTES = 300;

/** An IPv4 endpoint takes one AES block, an IPv6 endpoint two. */
const ENDPOINT_BYTES = [16, 16, 32, 32] as const;

export interface BenchUpdate {
  readonly clusterId: string;
  readonly affiliateId: string;
  readonly data: Uint8Array;
  readonly endpoints: readonly Uint8Array[];
  readonly ttlMs: number;
}

/** The update of a usual node: 300 bytes of data and 4 endpoints. */
export function updateRequest(
  clusterId: string,
  affiliateId: string,
  ttlMs: number = MAX_TTL_MS,
): BenchUpdate {
  return {
    clusterId,
    affiliateId,
    data: new Uint8Array(randomBytes(DATA_BYTES)),
    endpoints: ENDPOINT_BYTES.map((bytes) => new Uint8Array(randomBytes(bytes))),
    ttlMs,
  };
}

/** What a view says, without what a registry keeps beside it. */
export function plainView({ id, data, endpoints }: AffiliateView): {
  id: string;
  data: Uint8Array;
  endpoints: Uint8Array[];
} {
  return { id, data, endpoints: [...endpoints] };
}
