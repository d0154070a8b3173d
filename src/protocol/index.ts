/**
 * The messages and the service of discovery, its limits, and the encodings that nodes share.
 * @module
 */

export {
  type AffiliateData,
  type ControlPlaneData,
  decodeAffiliate,
  encodeAffiliate,
  type KubeSpanData,
} from "./affiliate.ts";
export { decodeEndpoint, encodeEndpoint } from "./endpoint.ts";
export * from "./gen/sidero/discovery/client/affiliate_pb.ts";
// Both packages have an `Affiliate`: the plain one keeps the name, the service's is sealed.
export {
  type Affiliate as SealedAffiliate,
  type AffiliateDeleteRequest,
  AffiliateDeleteRequestSchema,
  type AffiliateDeleteResponse,
  AffiliateDeleteResponseSchema,
  AffiliateSchema as SealedAffiliateSchema,
  type AffiliateUpdateRequest,
  AffiliateUpdateRequestSchema,
  type AffiliateUpdateResponse,
  AffiliateUpdateResponseSchema,
  Cluster,
  file_sidero_discovery_server_cluster,
  type HelloRequest,
  HelloRequestSchema,
  type HelloResponse,
  HelloResponseSchema,
  type ListRequest,
  ListRequestSchema,
  type ListResponse,
  ListResponseSchema,
  type RedirectMessage,
  RedirectMessageSchema,
  type WatchRequest,
  WatchRequestSchema,
  type WatchResponse,
  WatchResponseSchema,
} from "./gen/sidero/discovery/server/cluster_pb.ts";
export * from "./gen/sidero/discovery/storage/storage_pb.ts";
export * from "./limits.ts";
export { encodeAffiliateField } from "./sealed.ts";
