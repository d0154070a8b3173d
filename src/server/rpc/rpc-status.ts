/**
 * What a caller is told when a call fails. The texts of refusals are the registry's.
 * @see docs/protocol.md, "What the server does"
 * @module
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { type DiscoveryError, isDiscoveryError } from "../../errors.ts";

/** Name of an RPC status, as gRPC spells it in metrics. */
export type RpcCode = "OK" | keyof typeof Code;

/** How a call failed, as the caller sees it. */
export interface RpcStatus {
  readonly code: Code;
  readonly message: string;
}

const INTERNAL: RpcStatus = { code: Code.Internal, message: "internal error" };

/**
 * The status for anything that a procedure throws.
 *
 * A stranger learns only what it did wrong: whatever is not a refusal of its request is `Internal` without details, which
 * are for the operator's hook.
 */
export function rpcStatus(error: unknown): RpcStatus {
  if (isDiscoveryError(error)) return refusalStatus(error);
  // Deadlines and cancellation arrive as the reason of an aborted signal.
  if (error instanceof ConnectError) return { code: error.code, message: error.rawMessage };
  if (error instanceof Error && error.name === "AbortError") {
    return { code: Code.Canceled, message: "the call was canceled" };
  }
  return INTERNAL;
}

/** The name of a status code: `InvalidArgument`. */
export function rpcCodeName(code: Code): RpcCode {
  return Code[code] as keyof typeof Code;
}

function refusalStatus({ code, message }: DiscoveryError): RpcStatus {
  switch (code) {
    case "ERR_CLUSTER_ID_EMPTY":
    case "ERR_CLUSTER_ID_TOO_LONG":
    case "ERR_AFFILIATE_ID_EMPTY":
    case "ERR_AFFILIATE_ID_TOO_LONG":
    case "ERR_AFFILIATE_DATA_TOO_BIG":
    case "ERR_ENDPOINT_TOO_BIG":
    case "ERR_TTL_TOO_LARGE":
    case "ERR_TTL_NEGATIVE":
      return { code: Code.InvalidArgument, message };
    case "ERR_TOO_MANY_AFFILIATES":
    case "ERR_TOO_MANY_ENDPOINTS":
    case "ERR_TOO_MANY_CLUSTERS":
    case "ERR_TOO_MANY_AFFILIATES_IN_TOTAL":
    case "ERR_RATE_LIMITED":
    case "ERR_TOO_MANY_WATCHES":
      return { code: Code.ResourceExhausted, message };
    case "ERR_CLUSTER_NOT_ALLOWED":
      return { code: Code.PermissionDenied, message };
    case "ERR_REGISTRY_CLOSED":
      return { code: Code.Unavailable, message: "the service is shutting down" };
    case "ERR_ADDRESS_INVALID":
    case "ERR_PREFIX_INVALID":
    case "ERR_ENDPOINT_INVALID":
    case "ERR_BASE62_INVALID":
    case "ERR_NODE_ID_INVALID":
    case "ERR_SECRET_INVALID":
    case "ERR_AFFILIATE_MALFORMED":
    case "ERR_MESSAGE_MALFORMED":
    case "ERR_MAC_INVALID":
    case "ERR_WIREGUARD_KEY_INVALID":
    case "ERR_WIREGUARD_DUMP_INVALID":
    case "ERR_AFFILIATE_TOO_SHORT":
    case "ERR_AFFILIATE_TAG_MISMATCH":
    case "ERR_ENDPOINT_MALFORMED":
    case "ERR_SERVICE_URL_INVALID":
    case "ERR_REDIRECT_LOOP":
    case "ERR_SERVICE_UNAVAILABLE":
    case "ERR_REGISTRY_FAILED":
    case "ERR_STATIC_MEMBERS_INVALID":
    case "ERR_CONFIG_INVALID":
    case "ERR_LISTEN_FAILED":
    case "ERR_CERTIFICATE_INVALID":
    case "ERR_ALLOW_LIST_INVALID":
    case "ERR_KUBECONFIG_INVALID":
    case "ERR_KUBERNETES_UNAVAILABLE":
    case "ERR_KUBERNETES_UNAUTHORIZED":
    case "ERR_KUBERNETES_FORBIDDEN":
    case "ERR_KUBERNETES_NODE_MISSING":
    case "ERR_KUBERNETES_EXPIRED":
    case "ERR_PACKAGE_MISSING":
    case "ERR_IDENTITY_FILE_INVALID":
    case "ERR_FILE_UNREADABLE":
    case "ERR_SNAPSHOT_MALFORMED":
    case "ERR_SNAPSHOT_NOT_SAVED":
      // No part of a request fails this way: what is opaque here is never decoded.
      return INTERNAL;
    default:
      return unlisted(code);
  }
}

/** Codes that a newer copy of the package may bring; a compile error when one of ours is missing above. */
function unlisted(_code: never): RpcStatus {
  return INTERNAL;
}
