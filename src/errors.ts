/**
 * The one error class of the package, its stable codes, and what each code means to those who
 * handle it.
 * @module
 */

/** What went wrong. Codes are stable; messages may change. */
export type DiscoveryErrorCode =
  // Text and bytes that do not parse.
  /** Text or bytes that are not an IP address. */
  | "ERR_ADDRESS_INVALID"
  /** Text or bytes that are not an IP prefix. */
  | "ERR_PREFIX_INVALID"
  /** Text or bytes that are not an `IP:port`. */
  | "ERR_ENDPOINT_INVALID"
  /** A character outside the alphabet of base62. */
  | "ERR_BASE62_INVALID"
  /** A node ID that is not the 32 bytes of an identity. */
  | "ERR_NODE_ID_INVALID"
  /** A cluster secret that is not standard base64 of 32 bytes. */
  | "ERR_SECRET_INVALID"
  /** Bytes that do not decode as an `Affiliate`. */
  | "ERR_AFFILIATE_MALFORMED"
  /** Bytes that do not decode as another message. */
  | "ERR_MESSAGE_MALFORMED"
  /** Not a MAC address of 48 bits. */
  | "ERR_MAC_INVALID"
  /** A WireGuard key that is not base64 of 32 bytes. */
  | "ERR_WIREGUARD_KEY_INVALID"
  /** Not what `wg show INTERFACE dump` prints. */
  | "ERR_WIREGUARD_DUMP_INVALID"
  // Sealed data.
  /** Sealed affiliate data that is shorter than nonce and tag. */
  | "ERR_AFFILIATE_TOO_SHORT"
  /** Sealed affiliate data under another key, or with changed bytes. */
  | "ERR_AFFILIATE_TAG_MISMATCH"
  /** A sealed endpoint with a wrong size or length byte. */
  | "ERR_ENDPOINT_MALFORMED"
  // Requests that a registry refuses.
  /** A request without a cluster ID. */
  | "ERR_CLUSTER_ID_EMPTY"
  /** A cluster ID over the limit. */
  | "ERR_CLUSTER_ID_TOO_LONG"
  /** A request without an affiliate ID. */
  | "ERR_AFFILIATE_ID_EMPTY"
  /** An affiliate ID over the limit. */
  | "ERR_AFFILIATE_ID_TOO_LONG"
  /** Affiliate data over the limit. */
  | "ERR_AFFILIATE_DATA_TOO_BIG"
  /** An endpoint over the limit. */
  | "ERR_ENDPOINT_TOO_BIG"
  /** A TTL over the limit. */
  | "ERR_TTL_TOO_LARGE"
  /** A TTL below 0. */
  | "ERR_TTL_NEGATIVE"
  /** The cluster is full. */
  | "ERR_TOO_MANY_AFFILIATES"
  /** The affiliate has too many endpoints. */
  | "ERR_TOO_MANY_ENDPOINTS"
  /** The registry has too many clusters. */
  | "ERR_TOO_MANY_CLUSTERS"
  /** The registry has too many affiliates. */
  | "ERR_TOO_MANY_AFFILIATES_IN_TOTAL"
  /** The service is short of memory: it takes nothing new for now. */
  | "ERR_MEMORY_LIMIT"
  /** One client has as many clusters as it may while so few are free. */
  | "ERR_CLUSTER_SHARE"
  /** One client has as many affiliates as it may while so few are free. */
  | "ERR_AFFILIATE_SHARE"
  /** The registry is closed, or the service is shutting down. */
  | "ERR_REGISTRY_CLOSED"
  // Calls that a service refuses.
  /** The cluster is not on the service's list. */
  | "ERR_CLUSTER_NOT_ALLOWED"
  /** More calls than one client may make. */
  | "ERR_RATE_LIMITED"
  /** Too many watches, of one client or of all. */
  | "ERR_TOO_MANY_WATCHES"
  /** More watches than a client's share of those that are free. */
  | "ERR_WATCH_SHARE"
  // A client's side.
  /** A service URL that does not parse. */
  | "ERR_SERVICE_URL_INVALID"
  /** Services that redirect to each other. */
  | "ERR_REDIRECT_LOOP"
  /** The service cannot be reached, or fails. */
  | "ERR_SERVICE_UNAVAILABLE"
  // A node's side.
  /** A registry that failed, or reported what is not an affiliate. */
  | "ERR_REGISTRY_FAILED"
  /** A list of hosts that is invalid. */
  | "ERR_STATIC_MEMBERS_INVALID"
  /** A Talos configuration that is invalid; see `ConfigError`. */
  | "ERR_CONFIG_INVALID"
  // A service's side.
  /** The service cannot listen on its address. */
  | "ERR_LISTEN_FAILED"
  /** A certificate or key that is invalid. */
  | "ERR_CERTIFICATE_INVALID"
  /** A list of clusters that does not parse. */
  | "ERR_ALLOW_LIST_INVALID"
  // Kubernetes.
  /** A kubeconfig file that is incomplete or cannot be read. */
  | "ERR_KUBECONFIG_INVALID"
  /** The API server cannot be reached, or fails. */
  | "ERR_KUBERNETES_UNAVAILABLE"
  /** The API server rejects the credentials, or there are none. */
  | "ERR_KUBERNETES_UNAUTHORIZED"
  /** The credentials lack a permission, which the message names. */
  | "ERR_KUBERNETES_FORBIDDEN"
  /** There is no such `Node`. */
  | "ERR_KUBERNETES_NODE_MISSING"
  /** The API server no longer has the requested version. */
  | "ERR_KUBERNETES_EXPIRED"
  // Packages and files.
  /** An optional package, which the message names, is not installed. */
  | "ERR_PACKAGE_MISSING"
  /** A file that is not an identity file. */
  | "ERR_IDENTITY_FILE_INVALID"
  /** A file that cannot be read. */
  | "ERR_FILE_UNREADABLE"
  /** Bytes that are not a snapshot, or a part of one. */
  | "ERR_SNAPSHOT_MALFORMED"
  /** The snapshot cannot be saved; the file is as it was before. */
  | "ERR_SNAPSHOT_NOT_SAVED";

/** Why a service refuses a call, as the label of a metric. */
export type CallRefusalReason =
  | "cluster_id"
  | "affiliate_id"
  | "affiliate_data"
  | "endpoint"
  | "ttl"
  | "affiliate_limit"
  | "endpoint_limit"
  | "cluster_limit"
  | "affiliate_total_limit"
  | "memory_limit"
  | "cluster_share"
  | "affiliate_share"
  | "shutting_down"
  | "cluster_not_allowed"
  | "rate_limit"
  | "watch_limit"
  | "watch_share";

/** What a refusal means to the service, its operator and the command line. */
export interface Refusal {
  readonly kind: "refused";
  /** The status that the caller gets. */
  readonly rpcCode: "InvalidArgument" | "ResourceExhausted" | "PermissionDenied" | "Unavailable";
  readonly refusalReason: CallRefusalReason;
  readonly exitStatus: 1 | 2;
}

/**
 * What a code means to those who handle the error.
 *
 * - `input`: something that a user gave is invalid. The command line exits as for wrong usage.
 * - `malformed`: bytes from a peer or a file do not decode.
 * - `failed`: something outside failed.
 * - `refused`: a registry or a service refuses a request.
 */
export type ErrorTraits =
  | { readonly kind: "input"; readonly exitStatus: 2 }
  | { readonly kind: "malformed" | "failed"; readonly exitStatus: 1 }
  | Refusal;

/** Every code with its traits: a code without a row is a compile error. */
function createTraits(): Readonly<Record<DiscoveryErrorCode, ErrorTraits>> {
  const input: ErrorTraits = { kind: "input", exitStatus: 2 };
  const malformed: ErrorTraits = { kind: "malformed", exitStatus: 1 };
  const failed: ErrorTraits = { kind: "failed", exitStatus: 1 };
  const refused = (
    rpcCode: Refusal["rpcCode"],
    refusalReason: CallRefusalReason,
    exitStatus: 1 | 2 = 1,
  ): Refusal => ({ kind: "refused", rpcCode, refusalReason, exitStatus });
  return {
    ERR_ADDRESS_INVALID: input,
    ERR_PREFIX_INVALID: input,
    ERR_ENDPOINT_INVALID: input,
    ERR_BASE62_INVALID: input,
    ERR_NODE_ID_INVALID: input,
    ERR_SECRET_INVALID: input,
    ERR_AFFILIATE_MALFORMED: malformed,
    ERR_MESSAGE_MALFORMED: malformed,
    ERR_MAC_INVALID: input,
    ERR_WIREGUARD_KEY_INVALID: malformed,
    ERR_WIREGUARD_DUMP_INVALID: malformed,
    ERR_AFFILIATE_TOO_SHORT: malformed,
    ERR_AFFILIATE_TAG_MISMATCH: malformed,
    ERR_ENDPOINT_MALFORMED: malformed,
    ERR_CLUSTER_ID_EMPTY: refused("InvalidArgument", "cluster_id", 2),
    ERR_CLUSTER_ID_TOO_LONG: refused("InvalidArgument", "cluster_id", 2),
    ERR_AFFILIATE_ID_EMPTY: refused("InvalidArgument", "affiliate_id"),
    ERR_AFFILIATE_ID_TOO_LONG: refused("InvalidArgument", "affiliate_id"),
    ERR_AFFILIATE_DATA_TOO_BIG: refused("InvalidArgument", "affiliate_data"),
    ERR_ENDPOINT_TOO_BIG: refused("InvalidArgument", "endpoint"),
    ERR_TTL_TOO_LARGE: refused("InvalidArgument", "ttl"),
    ERR_TTL_NEGATIVE: refused("InvalidArgument", "ttl"),
    ERR_TOO_MANY_AFFILIATES: refused("ResourceExhausted", "affiliate_limit"),
    ERR_TOO_MANY_ENDPOINTS: refused("ResourceExhausted", "endpoint_limit"),
    ERR_TOO_MANY_CLUSTERS: refused("ResourceExhausted", "cluster_limit"),
    ERR_TOO_MANY_AFFILIATES_IN_TOTAL: refused("ResourceExhausted", "affiliate_total_limit"),
    ERR_MEMORY_LIMIT: refused("ResourceExhausted", "memory_limit"),
    ERR_CLUSTER_SHARE: refused("ResourceExhausted", "cluster_share"),
    ERR_AFFILIATE_SHARE: refused("ResourceExhausted", "affiliate_share"),
    ERR_REGISTRY_CLOSED: refused("Unavailable", "shutting_down"),
    ERR_CLUSTER_NOT_ALLOWED: refused("PermissionDenied", "cluster_not_allowed"),
    ERR_RATE_LIMITED: refused("ResourceExhausted", "rate_limit"),
    ERR_TOO_MANY_WATCHES: refused("ResourceExhausted", "watch_limit"),
    ERR_WATCH_SHARE: refused("ResourceExhausted", "watch_share"),
    ERR_SERVICE_URL_INVALID: input,
    ERR_REDIRECT_LOOP: failed,
    ERR_SERVICE_UNAVAILABLE: failed,
    ERR_REGISTRY_FAILED: failed,
    ERR_STATIC_MEMBERS_INVALID: input,
    ERR_CONFIG_INVALID: input,
    ERR_LISTEN_FAILED: failed,
    ERR_CERTIFICATE_INVALID: input,
    ERR_ALLOW_LIST_INVALID: input,
    ERR_KUBECONFIG_INVALID: input,
    ERR_KUBERNETES_UNAVAILABLE: failed,
    ERR_KUBERNETES_UNAUTHORIZED: failed,
    ERR_KUBERNETES_FORBIDDEN: failed,
    ERR_KUBERNETES_NODE_MISSING: failed,
    ERR_KUBERNETES_EXPIRED: failed,
    ERR_PACKAGE_MISSING: failed,
    ERR_IDENTITY_FILE_INVALID: input,
    ERR_FILE_UNREADABLE: input,
    ERR_SNAPSHOT_MALFORMED: malformed,
    ERR_SNAPSHOT_NOT_SAVED: failed,
  };
}

const TRAITS = /* @__PURE__ */ createTraits();

/**
 * Something outside failed: bytes from a peer, a file, a service. Keys and plaintext are in no
 * message.
 */
export class DiscoveryError extends Error {
  // A literal: minifiers rename classes.
  override readonly name: string = "DiscoveryError";
  readonly code: DiscoveryErrorCode;

  constructor(code: DiscoveryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Whether `error` is a {@link DiscoveryError}, also one of another copy of this package. */
export function isDiscoveryError(error: unknown): error is DiscoveryError {
  return (
    error instanceof Error &&
    error.name === "DiscoveryError" &&
    typeof (error as { code?: unknown }).code === "string"
  );
}

/**
 * The traits of an error.
 *
 * @returns `undefined` for an error without a code, and for a code of a newer copy of this package.
 */
export function errorTraits(error: unknown): ErrorTraits | undefined {
  return isDiscoveryError(error) ? TRAITS[error.code] : undefined;
}
