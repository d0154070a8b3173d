/**
 * Another node's affiliate, opened and checked. Whatever the bytes, the answer is a value and
 * reports, never a throw: anyone who holds the cluster ID can write to a service, and the service
 * itself may be hostile.
 * @module
 */

import { equalBytes } from "../bytes.ts";
import type { ClusterCipher } from "../crypto/cluster-cipher.ts";
import { isDiscoveryError } from "../errors.ts";
import { type AffiliateData, decodeAffiliate } from "../protocol/affiliate.ts";
import { decodeEndpoint } from "../protocol/endpoint.ts";
import { MAX_AFFILIATE_ENDPOINTS, MAX_ENDPOINT_BYTES } from "../protocol/limits.ts";
import type { DiscoveredAffiliate, DropReport } from "./affiliate-change.ts";

/**
 * How many endpoints of one affiliate are opened. Four times the protocol's limit, for services
 * that raise it.
 */
const MAX_OPENED_ENDPOINTS = 4 * MAX_AFFILIATE_ENDPOINTS;

/** As a service lists it. */
export interface ListedAffiliate {
  readonly id: string;
  readonly data: Uint8Array;
  readonly endpoints: readonly Uint8Array[];
}

/** What is needed to see that an affiliate has not changed, without opening it again. */
interface OpenedParts {
  readonly sealed: Uint8Array;
  readonly plain: Uint8Array;
  readonly data: AffiliateData;
  /**
   * By the sealed bytes as a string; `undefined` for one that does not open. In the service's
   * order.
   */
  readonly endpoints: ReadonlyMap<string, string | undefined>;
}

/**
 * Opens affiliates, and remembers how those looked that it has opened, as long as somebody holds
 * them.
 */
export class AffiliateOpener {
  readonly #cipher: ClusterCipher;
  readonly #report: (drop: DropReport) => void;
  readonly #parts = new WeakMap<DiscoveredAffiliate, OpenedParts>();

  constructor(cipher: ClusterCipher, report: (drop: DropReport) => void) {
    this.#cipher = cipher;
    this.#report = report;
  }

  /**
   * Opens what a service lists for one affiliate.
   *
   * @param listed - Its data is not empty. Bytes are copied where they are kept.
   * @param known - What was opened under this ID before. Equal parts are taken over unopened, and
   *   unreported.
   * @returns `known` if nothing has changed; `undefined` for an affiliate to drop: sealed with
   *   another secret, malformed, or listed under another ID than the one it was sealed with. A
   *   dropped endpoint is only left out.
   */
  open(
    listed: ListedAffiliate,
    known: DiscoveredAffiliate | undefined,
  ): DiscoveredAffiliate | undefined {
    const previous = known && this.#parts.get(known);
    const parts = openParts(this.#cipher, listed, previous, this.#report);
    if (parts === undefined) return undefined;
    const { data, endpoints } = parts;
    const affiliate: DiscoveredAffiliate =
      known !== undefined && data === previous?.data && equalTexts(known.endpoints, endpoints)
        ? known
        : { ...data, nodeId: listed.id, endpoints: texts(endpoints) };
    this.#parts.set(affiliate, parts);
    return affiliate;
  }
}

/**
 * Opens one affiliate that a service lists, as {@link AffiliateOpener.open} does the first time.
 */
export function openAffiliate(
  cipher: ClusterCipher,
  listed: ListedAffiliate,
  report: (drop: DropReport) => void,
): DiscoveredAffiliate | undefined {
  return new AffiliateOpener(cipher, report).open(listed, undefined);
}

function openParts(
  cipher: ClusterCipher,
  listed: ListedAffiliate,
  previous: OpenedParts | undefined,
  report: (drop: DropReport) => void,
): OpenedParts | undefined {
  const nodeId = listed.id;
  const opened =
    previous !== undefined && equalBytes(listed.data, previous.sealed)
      ? previous
      : openData(cipher, nodeId, listed.data, previous, report);
  if (opened === undefined) return undefined;
  // A service could show one node under another's name, with data that is genuine.
  if (opened.data.nodeId !== nodeId) {
    report({
      reason: "affiliate_id_mismatch",
      nodeId,
      sealedNodeId: opened.data.nodeId ?? "",
    });
    return undefined;
  }
  const endpoints = openEndpoints(cipher, listed, previous?.endpoints, report);
  return { sealed: opened.sealed, plain: opened.plain, data: opened.data, endpoints };
}

type OpenedData = Pick<OpenedParts, "sealed" | "plain" | "data">;

function openData(
  cipher: ClusterCipher,
  nodeId: string,
  listed: Uint8Array,
  previous: OpenedData | undefined,
  report: (drop: DropReport) => void,
): OpenedData | undefined {
  try {
    const plain = cipher.openAffiliate(listed);
    // A copy: the message's bytes are a view of the whole message.
    const sealed = listed.slice();
    // Some clients seal again at every refresh. What they say has not changed.
    if (previous !== undefined && equalBytes(plain, previous.plain)) {
      return { sealed, plain: previous.plain, data: previous.data };
    }
    return { sealed, plain, data: decodeAffiliate(plain) };
  } catch (error) {
    const code = isDiscoveryError(error) ? error.code : undefined;
    if (code === "ERR_AFFILIATE_TOO_SHORT") {
      report({ reason: "affiliate_too_short", nodeId, bytes: listed.length });
    } else if (code === "ERR_AFFILIATE_TAG_MISMATCH") {
      report({ reason: "affiliate_tag_mismatch", nodeId });
    } else {
      report({ reason: "affiliate_malformed", nodeId });
    }
    return undefined;
  }
}

function openEndpoints(
  cipher: ClusterCipher,
  listed: ListedAffiliate,
  previous: ReadonlyMap<string, string | undefined> | undefined,
  report: (drop: DropReport) => void,
): Map<string, string | undefined> {
  const opened = new Map<string, string | undefined>();
  for (const [index, sealed] of listed.endpoints.entries()) {
    if (index === MAX_OPENED_ENDPOINTS) {
      const count = listed.endpoints.length - index;
      report({ reason: "endpoints_over_limit", nodeId: listed.id, count });
      break;
    }
    const key = sealed.length <= MAX_ENDPOINT_BYTES ? String.fromCharCode(...sealed) : undefined;
    if (key !== undefined && previous?.has(key)) {
      opened.set(key, previous.get(key));
      continue;
    }
    const endpoint = key === undefined ? undefined : openEndpoint(cipher, sealed);
    if (endpoint === undefined) report({ reason: "endpoint_malformed", nodeId: listed.id, index });
    if (key !== undefined) opened.set(key, endpoint);
  }
  return opened;
}

function openEndpoint(cipher: ClusterCipher, sealed: Uint8Array): string | undefined {
  try {
    return decodeEndpoint(cipher.openEndpoint(sealed));
  } catch {
    return undefined;
  }
}

function texts(endpoints: ReadonlyMap<string, string | undefined>): string[] {
  return [...endpoints.values()].filter((endpoint) => endpoint !== undefined);
}

function equalTexts(
  known: readonly string[],
  endpoints: ReadonlyMap<string, string | undefined>,
): boolean {
  const now = texts(endpoints);
  return now.length === known.length && now.every((endpoint, i) => endpoint === known[i]);
}
