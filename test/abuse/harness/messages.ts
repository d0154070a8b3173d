/**
 * Encoded requests, and the paths of their methods.
 * @module
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  AffiliateDeleteRequestSchema,
  AffiliateUpdateRequestSchema,
  HelloRequestSchema,
  ListResponseSchema,
  WatchResponseSchema,
} from "../../../src/protocol/index.ts";

/** TTL of published affiliates in seconds; longer than any row. */
const TTL_S = 1800;

export function clusterPath(method: string): string {
  return `/sidero.discovery.server.Cluster/${method}`;
}

export interface Update {
  readonly clusterId: string;
  readonly affiliateId: string;
  readonly data?: Uint8Array;
  readonly endpoints?: readonly Uint8Array[];
  readonly ttlS?: number;
}

export function updateRequest(update: Update): Uint8Array {
  const { clusterId, affiliateId, data, endpoints = [], ttlS = TTL_S } = update;
  return toBinary(
    AffiliateUpdateRequestSchema,
    create(AffiliateUpdateRequestSchema, {
      clusterId,
      affiliateId,
      ...(data !== undefined && { affiliateData: data }),
      affiliateEndpoints: [...endpoints],
      ttl: { seconds: BigInt(ttlS) },
    }),
  );
}

export function deleteRequest(clusterId: string, affiliateId: string): Uint8Array {
  return toBinary(
    AffiliateDeleteRequestSchema,
    create(AffiliateDeleteRequestSchema, { clusterId, affiliateId }),
  );
}

/** Of `Hello`, and of `List` and `Watch`, which have no version. */
export function clusterRequest(clusterId: string, clientVersion = ""): Uint8Array {
  return toBinary(HelloRequestSchema, create(HelloRequestSchema, { clusterId, clientVersion }));
}

/** An affiliate in an answer of `List` or a message of `Watch`. */
export interface ListedAffiliate {
  readonly id: string;
  readonly data: Uint8Array;
  readonly endpoints: readonly Uint8Array[];
}

export function listedAffiliates(response: Uint8Array): readonly ListedAffiliate[] {
  return fromBinary(ListResponseSchema, response).affiliates.map(listed);
}

export function watchedAffiliates(message: Uint8Array): readonly ListedAffiliate[] {
  return fromBinary(WatchResponseSchema, message).affiliates.map(listed);
}

function listed(affiliate: {
  readonly id: string;
  readonly data: Uint8Array;
  readonly endpoints: readonly Uint8Array[];
}): ListedAffiliate {
  const { id, data, endpoints } = affiliate;
  return { id, data, endpoints };
}
