/**
 * The one error class of the package, and its stable codes.
 * @module
 */

/**
 * What went wrong. Codes are stable; messages may change.
 *
 * Text and bytes that do not parse:
 * - `ERR_ADDRESS_INVALID`, `ERR_PREFIX_INVALID`, `ERR_ENDPOINT_INVALID`: text or bytes of an IP, a prefix, an `IP:port`.
 * - `ERR_BASE62_INVALID`: a character outside the alphabet. `ERR_NODE_ID_INVALID`: not the 32 bytes of an identity.
 * - `ERR_SECRET_INVALID`: a cluster secret that is not standard base64 of 32 bytes.
 * - `ERR_AFFILIATE_MALFORMED`: bytes that are no encoded `Affiliate`.
 * - `ERR_MESSAGE_MALFORMED`: bytes that are no encoding of another message.
 * - `ERR_MAC_INVALID`: not a MAC address of 48 bits. `ERR_WIREGUARD_KEY_INVALID`: not base64 of the 32 bytes of a key.
 * - `ERR_WIREGUARD_DUMP_INVALID`: not what `wg show INTERFACE dump` prints.
 *
 * Sealed data:
 * - `ERR_AFFILIATE_TOO_SHORT`: under nonce and tag. `ERR_AFFILIATE_TAG_MISMATCH`: another key, or changed bytes.
 * - `ERR_ENDPOINT_MALFORMED`: a sealed endpoint whose size or length byte is wrong.
 *
 * Requests that a registry refuses: `ERR_CLUSTER_ID_EMPTY` to `ERR_REGISTRY_CLOSED`.
 *
 * Calls that a service refuses: `ERR_RATE_LIMITED`: more often than one client may. `ERR_TOO_MANY_WATCHES`: of one client,
 * or of all.
 *
 * A client's side: `ERR_SERVICE_URL_INVALID`, `ERR_REDIRECT_LOOP`, `ERR_SERVICE_UNAVAILABLE`.
 *
 * A service's side: `ERR_LISTEN_FAILED`: its address cannot be had. `ERR_CERTIFICATE_INVALID`: certificate or key.
 * `ERR_ALLOW_LIST_INVALID`: a list of clusters that does not parse. `ERR_CLUSTER_NOT_ALLOWED`: a cluster that is not on it.
 *
 * A node's side: `ERR_CONFIG_INVALID`: a Talos configuration that is wrong; see `ConfigError`. `ERR_REGISTRY_FAILED`: a
 * registry that broke off, or told what is no affiliate. `ERR_STATIC_MEMBERS_INVALID`: a list of hosts that is wrong.
 *
 * Kubernetes: `ERR_KUBECONFIG_INVALID`: a kubeconfig file that says too little, or nothing that can be read.
 * `ERR_KUBERNETES_UNAVAILABLE`: the API server is not reached, or fails. `ERR_KUBERNETES_UNAUTHORIZED`: it does not know the
 * credentials, or there are none to be had. `ERR_KUBERNETES_FORBIDDEN`: they may not do this; the message says what they lack.
 * `ERR_KUBERNETES_NODE_MISSING`: there is no such `Node`. `ERR_KUBERNETES_EXPIRED`: it has forgotten the version asked for.
 *
 * `ERR_PACKAGE_MISSING`: an optional package is not installed; the message says which.
 *
 * Files: `ERR_IDENTITY_FILE_INVALID`, `ERR_FILE_UNREADABLE`. `ERR_SNAPSHOT_MALFORMED`: bytes that are no snapshot, or a part
 * of one. `ERR_SNAPSHOT_NOT_SAVED`: the file is as it was before.
 */
export type DiscoveryErrorCode =
  | "ERR_ADDRESS_INVALID"
  | "ERR_PREFIX_INVALID"
  | "ERR_ENDPOINT_INVALID"
  | "ERR_BASE62_INVALID"
  | "ERR_NODE_ID_INVALID"
  | "ERR_SECRET_INVALID"
  | "ERR_AFFILIATE_MALFORMED"
  | "ERR_MESSAGE_MALFORMED"
  | "ERR_MAC_INVALID"
  | "ERR_WIREGUARD_KEY_INVALID"
  | "ERR_WIREGUARD_DUMP_INVALID"
  | "ERR_AFFILIATE_TOO_SHORT"
  | "ERR_AFFILIATE_TAG_MISMATCH"
  | "ERR_ENDPOINT_MALFORMED"
  | "ERR_CLUSTER_ID_EMPTY"
  | "ERR_CLUSTER_ID_TOO_LONG"
  | "ERR_AFFILIATE_ID_EMPTY"
  | "ERR_AFFILIATE_ID_TOO_LONG"
  | "ERR_AFFILIATE_DATA_TOO_BIG"
  | "ERR_ENDPOINT_TOO_BIG"
  | "ERR_TTL_TOO_LARGE"
  | "ERR_TTL_NEGATIVE"
  | "ERR_TOO_MANY_AFFILIATES"
  | "ERR_TOO_MANY_ENDPOINTS"
  | "ERR_TOO_MANY_CLUSTERS"
  | "ERR_TOO_MANY_AFFILIATES_IN_TOTAL"
  | "ERR_REGISTRY_CLOSED"
  | "ERR_CLUSTER_NOT_ALLOWED"
  | "ERR_RATE_LIMITED"
  | "ERR_TOO_MANY_WATCHES"
  | "ERR_SERVICE_URL_INVALID"
  | "ERR_REDIRECT_LOOP"
  | "ERR_SERVICE_UNAVAILABLE"
  | "ERR_REGISTRY_FAILED"
  | "ERR_STATIC_MEMBERS_INVALID"
  | "ERR_CONFIG_INVALID"
  | "ERR_LISTEN_FAILED"
  | "ERR_CERTIFICATE_INVALID"
  | "ERR_ALLOW_LIST_INVALID"
  | "ERR_KUBECONFIG_INVALID"
  | "ERR_KUBERNETES_UNAVAILABLE"
  | "ERR_KUBERNETES_UNAUTHORIZED"
  | "ERR_KUBERNETES_FORBIDDEN"
  | "ERR_KUBERNETES_NODE_MISSING"
  | "ERR_KUBERNETES_EXPIRED"
  | "ERR_PACKAGE_MISSING"
  | "ERR_IDENTITY_FILE_INVALID"
  | "ERR_FILE_UNREADABLE"
  | "ERR_SNAPSHOT_MALFORMED"
  | "ERR_SNAPSHOT_NOT_SAVED";

/** Something outside failed: bytes from a peer, a file, a service. Keys and plaintext are in no message. */
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
