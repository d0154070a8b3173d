/**
 * What a node publishes, checked and sealed: once per change, so that a refresh repeats the same
 * bytes and a service has nothing to announce.
 * @module
 */

import { equalByteLists, equalBytes } from "../bytes.ts";
import type { ClusterCipher } from "../crypto/cluster-cipher.ts";
import { DiscoveryError } from "../errors.ts";
import { type AffiliateData, encodeAffiliate } from "../protocol/affiliate.ts";
import { encodeEndpoint } from "../protocol/endpoint.ts";
import {
  MAX_AFFILIATE_DATA_BYTES,
  MAX_AFFILIATE_ENDPOINTS,
  MAX_AFFILIATE_ID_BYTES,
  MAX_ENDPOINT_BYTES,
} from "../protocol/limits.ts";

export interface PublishOptions {
  /** `IP:port` at which this node may be reached, at most 64. */
  readonly endpoints: readonly string[];
  /** Endpoints of other nodes as this node sees them. @default none */
  readonly otherEndpoints?: readonly OtherEndpoints[] | undefined;
}

/** Where another node was seen. */
export interface OtherEndpoints {
  /** That node's ID, not our own. */
  readonly nodeId: string;
  /** `IP:port`, at most 64. */
  readonly endpoints: readonly string[];
}

/** Ready to be sent. */
export interface SealedPublication {
  /** The encoded affiliate. Sealing is random, so only this tells whether it has changed. */
  readonly plain: Uint8Array;
  readonly data: Uint8Array;
  readonly endpoints: readonly Uint8Array[];
  readonly others: readonly SealedOtherEndpoints[];
}

export interface SealedOtherEndpoints {
  readonly nodeId: string;
  readonly endpoints: readonly Uint8Array[];
}

/**
 * Seals what `DiscoveryClient.publish` was given.
 *
 * @param nodeId - The client's own.
 * @param previous - What was sealed before: returned itself when nothing has changed, and its data
 *   is taken over when only endpoints have.
 * @throws {TypeError} for a node ID that is not this client's, or an empty or own one in
 *   `otherEndpoints`.
 * @throws {DiscoveryError} `ERR_ADDRESS_INVALID`, `ERR_PREFIX_INVALID`, `ERR_ENDPOINT_INVALID`:
 *   text that does not parse. `ERR_AFFILIATE_DATA_TOO_BIG`, `ERR_ENDPOINT_TOO_BIG`,
 *   `ERR_TOO_MANY_ENDPOINTS`, `ERR_AFFILIATE_ID_TOO_LONG`: what a service would refuse.
 */
export function sealPublication(
  cipher: ClusterCipher,
  nodeId: string,
  affiliate: AffiliateData,
  { endpoints, otherEndpoints = [] }: PublishOptions,
  previous: SealedPublication | undefined,
): SealedPublication {
  if (affiliate.nodeId !== undefined && affiliate.nodeId !== nodeId) {
    throw new TypeError(`affiliate.nodeId: ${affiliate.nodeId} is not this client's ${nodeId}`);
  }
  const plain = encodeAffiliate({ ...affiliate, nodeId });
  const sealedEndpoints = sealEndpoints(cipher, endpoints);
  const others = otherEndpoints.map((other, index) => {
    checkOtherNodeId(other.nodeId, nodeId, index);
    return { nodeId: other.nodeId, endpoints: sealEndpoints(cipher, other.endpoints) };
  });
  const samePlain = previous !== undefined && equalBytes(plain, previous.plain);
  if (
    samePlain &&
    equalByteLists(sealedEndpoints, previous.endpoints) &&
    equalOthers(others, previous.others)
  ) {
    return previous;
  }
  const data = samePlain ? previous.data : cipher.sealAffiliate(plain);
  if (data.length > MAX_AFFILIATE_DATA_BYTES) {
    throw new DiscoveryError(
      "ERR_AFFILIATE_DATA_TOO_BIG",
      `affiliate: ${data.length} bytes when sealed, more than ${MAX_AFFILIATE_DATA_BYTES}`,
    );
  }
  return { plain, data, endpoints: sealedEndpoints, others };
}

/** Equal endpoints seal to equal bytes: the cipher is deterministic here. */
function sealEndpoints(cipher: ClusterCipher, endpoints: readonly string[]): Uint8Array[] {
  if (endpoints.length > MAX_AFFILIATE_ENDPOINTS) {
    throw new DiscoveryError(
      "ERR_TOO_MANY_ENDPOINTS",
      `${endpoints.length} endpoints, more than ${MAX_AFFILIATE_ENDPOINTS}`,
    );
  }
  return endpoints.map((endpoint) => {
    const sealed = cipher.sealEndpoint(encodeEndpoint(endpoint));
    if (sealed.length > MAX_ENDPOINT_BYTES) {
      throw new DiscoveryError(
        "ERR_ENDPOINT_TOO_BIG",
        `endpoint ${endpoint}: ${sealed.length} bytes when sealed, more than ${MAX_ENDPOINT_BYTES}`,
      );
    }
    return sealed;
  });
}

function checkOtherNodeId(other: string, nodeId: string, index: number): void {
  if (other === "" || other === nodeId) {
    throw new TypeError(`otherEndpoints[${index}].nodeId: ${other ? "this node" : "empty"}`);
  }
  if (new TextEncoder().encode(other).length > MAX_AFFILIATE_ID_BYTES) {
    throw new DiscoveryError(
      "ERR_AFFILIATE_ID_TOO_LONG",
      `otherEndpoints[${index}].nodeId: more than ${MAX_AFFILIATE_ID_BYTES} bytes`,
    );
  }
}

function equalOthers(
  a: readonly SealedOtherEndpoints[],
  b: readonly SealedOtherEndpoints[],
): boolean {
  return (
    a.length === b.length &&
    a.every(({ nodeId, endpoints }, i) => {
      const other = b[i] as SealedOtherEndpoints;
      return nodeId === other.nodeId && equalByteLists(endpoints, other.endpoints);
    })
  );
}
