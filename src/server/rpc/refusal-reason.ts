/**
 * Why a connection, a request or a call was refused, in words that suit as the label of a metric:
 * few, and never a caller's text.
 * @module
 */
import { errorTraits } from "../../errors.ts";

/** Every reason, so that its series can exist from the start. */
export const REFUSAL_REASONS = [
  // Connections.
  "connection_limit",
  "connection_share",
  "upload_limit",
  "connection_timeout",
  "connection_idle",
  "ping_timeout",
  "write_timeout",
  "pipeline_limit",
  "stream_limit",
  "tls_handshake",
  "not_http",
  "wrong_scheme",
  // Requests that are no call yet.
  "headers_too_large",
  "bad_target",
  "unknown_method",
  "content_type",
  "malformed",
  "cors_origin",
  "body_too_large",
  "body_timeout",
  "unsent_limit",
  "probe_limit",
  // Calls.
  "rate_limit",
  "watch_limit",
  "watch_share",
  "cluster_not_allowed",
  "cluster_id",
  "affiliate_id",
  "affiliate_data",
  "endpoint",
  "ttl",
  "cluster_limit",
  "affiliate_limit",
  "affiliate_total_limit",
  "memory_limit",
  "cluster_share",
  "affiliate_share",
  "endpoint_limit",
  "shutting_down",
] as const;

/** One of {@link REFUSAL_REASONS}. */
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** Why a call was refused; `undefined` if it failed for another reason or its caller left. */
export function refusalReason(error: unknown): RefusalReason | undefined {
  const traits = errorTraits(error);
  return traits?.kind === "refused" ? traits.refusalReason : undefined;
}
