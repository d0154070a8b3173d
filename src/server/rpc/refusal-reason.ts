/**
 * Why a connection, a request or a call was refused, in words that suit as the label of a metric: few, and never a
 * caller's text.
 * @module
 */
import { type DiscoveryErrorCode, isDiscoveryError } from "../../errors.ts";

/** Every reason, so that its series can exist from the start. */
export const REFUSAL_REASONS = [
  // Connections.
  "connection_limit",
  "connection_timeout",
  "connection_idle",
  "tls_handshake",
  "not_http",
  "wrong_scheme",
  // Requests that are no call yet.
  "headers_too_large",
  "unknown_method",
  "content_type",
  "malformed",
  "body_too_large",
  "body_timeout",
  // Calls.
  "rate_limit",
  "watch_limit",
  "cluster_not_allowed",
  "cluster_id",
  "affiliate_id",
  "affiliate_data",
  "endpoint",
  "ttl",
  "cluster_limit",
  "affiliate_limit",
  "affiliate_total_limit",
  "endpoint_limit",
  "shutting_down",
] as const;

/** One of {@link REFUSAL_REASONS}. */
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

const REASON_BY_CODE: { readonly [code in DiscoveryErrorCode]?: RefusalReason } = {
  ERR_CLUSTER_ID_EMPTY: "cluster_id",
  ERR_CLUSTER_ID_TOO_LONG: "cluster_id",
  ERR_AFFILIATE_ID_EMPTY: "affiliate_id",
  ERR_AFFILIATE_ID_TOO_LONG: "affiliate_id",
  ERR_AFFILIATE_DATA_TOO_BIG: "affiliate_data",
  ERR_ENDPOINT_TOO_BIG: "endpoint",
  ERR_TTL_TOO_LARGE: "ttl",
  ERR_TTL_NEGATIVE: "ttl",
  ERR_TOO_MANY_CLUSTERS: "cluster_limit",
  ERR_TOO_MANY_AFFILIATES: "affiliate_limit",
  ERR_TOO_MANY_AFFILIATES_IN_TOTAL: "affiliate_total_limit",
  ERR_TOO_MANY_ENDPOINTS: "endpoint_limit",
  ERR_RATE_LIMITED: "rate_limit",
  ERR_TOO_MANY_WATCHES: "watch_limit",
  ERR_CLUSTER_NOT_ALLOWED: "cluster_not_allowed",
  ERR_REGISTRY_CLOSED: "shutting_down",
};

/** Why a call was refused; `undefined` where it failed for another reason, or the caller left. */
export function refusalReason(error: unknown): RefusalReason | undefined {
  return isDiscoveryError(error) ? REASON_BY_CODE[error.code] : undefined;
}
