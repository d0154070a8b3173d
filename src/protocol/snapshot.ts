/**
 * The snapshot file, one cluster at a time: it is a bare concatenation of `StateSnapshot.clusters`
 * entries.
 *
 * Written by hand because a service saves while it serves; a property test holds it to what the
 * protobuf library writes.
 * @see docs/protocol.md, "What the server does"
 * @module
 */
import { fromBinary } from "@bufbuild/protobuf";
import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";
import { DiscoveryError } from "../errors.ts";
import {
  bytesTag,
  fieldBytes,
  varintBytes,
  writeBytes,
  writeHead,
  writeVarint,
} from "./field-bytes.ts";
import {
  type ClusterSnapshot,
  ClusterSnapshotSchema,
} from "./gen/sidero/discovery/storage/storage_pb.ts";
import { MAX_SNAPSHOT_CLUSTER_BYTES } from "./limits.ts";

/** `StateSnapshot.clusters`: what each entry of the file begins with. */
export const SNAPSHOT_CLUSTERS_TAG: number = /* @__PURE__ */ bytesTag(1);

const CLUSTER_ID_TAG = /* @__PURE__ */ bytesTag(1);
const CLUSTER_AFFILIATES_TAG = /* @__PURE__ */ bytesTag(2);
const AFFILIATE_ID_TAG = /* @__PURE__ */ bytesTag(1);
const AFFILIATE_DATA_TAG = /* @__PURE__ */ bytesTag(3);
const AFFILIATE_ENDPOINTS_TAG = /* @__PURE__ */ bytesTag(4);
const AFFILIATE_TTL_TAG = /* @__PURE__ */ bytesTag(5);
const ENDPOINT_DATA_TAG = /* @__PURE__ */ bytesTag(2);
const ENDPOINT_TTL_TAG = /* @__PURE__ */ bytesTag(3);
/** `google.protobuf.Duration.seconds`, a varint. */
const SECONDS_TAG = 1 << 3;

const UTF8 = /* @__PURE__ */ new TextEncoder();

/**
 * One endpoint or affiliate's data, and what remains of its life. Whole seconds are kept, a
 * fraction is cut off.
 */
interface Kept {
  readonly data: Uint8Array;
  readonly ttlMs: number;
}

/** A cluster to be kept. */
export interface KeptCluster {
  readonly id: string;
  readonly affiliates: readonly (Kept & {
    readonly id: string;
    readonly endpoints: readonly Kept[];
  })[];
}

/**
 * Encodes one entry of a snapshot file, as the reference writes it: times are what remains, in
 * whole seconds.
 *
 * @returns Tag, length and message, in a buffer of their own.
 * @throws {RangeError} For a cluster of more than 137,912,579 bytes.
 */
export function encodeSnapshotCluster(cluster: KeptCluster): Uint8Array<ArrayBuffer> {
  const id = UTF8.encode(cluster.id);
  const affiliateIds = cluster.affiliates.map((affiliate) => UTF8.encode(affiliate.id));
  const affiliateBytes: number[] = [];
  let clusterBytes = optionalBytes(id);
  for (const [i, { data, ttlMs, endpoints }] of cluster.affiliates.entries()) {
    let bytes = optionalBytes(affiliateIds[i] as Uint8Array) + optionalBytes(data);
    for (const endpoint of endpoints) bytes += fieldBytes(endpointBytes(endpoint));
    bytes += fieldBytes(durationBytes(ttlMs));
    affiliateBytes.push(bytes);
    clusterBytes += fieldBytes(bytes);
  }
  if (clusterBytes > MAX_SNAPSHOT_CLUSTER_BYTES) {
    throw new RangeError(
      `cluster: ${clusterBytes} bytes are over the ${MAX_SNAPSHOT_CLUSTER_BYTES} of an entry`,
    );
  }

  const entry = new Uint8Array(fieldBytes(clusterBytes));
  let at = writeHead(entry, 0, SNAPSHOT_CLUSTERS_TAG, clusterBytes);
  at = writeOptional(entry, at, CLUSTER_ID_TAG, id);
  for (const [i, { data, ttlMs, endpoints }] of cluster.affiliates.entries()) {
    at = writeHead(entry, at, CLUSTER_AFFILIATES_TAG, affiliateBytes[i] as number);
    at = writeOptional(entry, at, AFFILIATE_ID_TAG, affiliateIds[i] as Uint8Array);
    at = writeOptional(entry, at, AFFILIATE_DATA_TAG, data);
    for (const endpoint of endpoints) {
      at = writeHead(entry, at, AFFILIATE_ENDPOINTS_TAG, endpointBytes(endpoint));
      at = writeOptional(entry, at, ENDPOINT_DATA_TAG, endpoint.data);
      at = writeDuration(entry, at, ENDPOINT_TTL_TAG, endpoint.ttlMs);
    }
    at = writeDuration(entry, at, AFFILIATE_TTL_TAG, ttlMs);
  }
  return entry;
}

/**
 * Decodes the message of one entry. Unknown fields are passed over.
 *
 * @param message - What follows tag and length. The result's bytes are parts of it.
 * @throws {DiscoveryError} `ERR_SNAPSHOT_MALFORMED`.
 */
export function decodeSnapshotCluster(message: Uint8Array): ClusterSnapshot {
  try {
    return fromBinary(ClusterSnapshotSchema, message, { readUnknownFields: false });
  } catch (cause) {
    throw new DiscoveryError("ERR_SNAPSHOT_MALFORMED", "is no cluster", { cause });
  }
}

/**
 * What remains of an affiliate or endpoint in a snapshot.
 *
 * @param wallClockMs - Now, in ms since 1970: for older files, which have an instant in place of a
 *   remaining time.
 * @returns ms; below 0 for what has passed. `undefined` where nothing is said.
 */
export function snapshotTimeLeftMs(
  kept: { readonly ttl?: Duration | undefined; readonly expiration?: Timestamp | undefined },
  wallClockMs: number,
): number | undefined {
  if (kept.ttl !== undefined) return toMs(kept.ttl);
  return kept.expiration === undefined ? undefined : toMs(kept.expiration) - wallClockMs;
}

function toMs({ seconds, nanos }: { readonly seconds: bigint; readonly nanos: number }): number {
  return Number(seconds) * 1000 + nanos / 1_000_000;
}

/** An empty field is omitted. */
function optionalBytes(bytes: Uint8Array): number {
  return bytes.length === 0 ? 0 : fieldBytes(bytes.length);
}

function endpointBytes({ data, ttlMs }: Kept): number {
  return optionalBytes(data) + fieldBytes(durationBytes(ttlMs));
}

/** Size of a `Duration`. A field of the value 0 is omitted, the message that has it is not. */
function durationBytes(ttlMs: number): number {
  const seconds = wholeSeconds(ttlMs);
  return seconds === 0 ? 0 : 1 + varintBytes(seconds);
}

function wholeSeconds(ttlMs: number): number {
  return Math.max(Math.floor(ttlMs / 1000), 0);
}

function writeOptional(into: Uint8Array, at: number, tag: number, bytes: Uint8Array): number {
  return bytes.length === 0 ? at : writeBytes(into, at, tag, bytes);
}

function writeDuration(into: Uint8Array, at: number, tag: number, ttlMs: number): number {
  const next = writeHead(into, at, tag, durationBytes(ttlMs));
  const seconds = wholeSeconds(ttlMs);
  if (seconds === 0) return next;
  into[next] = SECONDS_TAG;
  return writeVarint(into, next + 1, seconds);
}
