/**
 * What a registry tells, as messages of the wire.
 *
 * An affiliate is encoded once: binary answers carry its field as bytes, ready to be copied. The protobuf library keeps
 * fields that it does not know as they came and writes them back untouched, and here it is made to take `affiliates` for
 * such a field. JSON answers hold real messages.
 * @module
 */
import type {
  ListResponse,
  WatchResponse,
} from "../protocol/gen/sidero/discovery/server/cluster_pb.ts";
import { MAX_SNAPSHOT_MESSAGE_BYTES } from "../protocol/limits.ts";
import { affiliateWire } from "../registry/affiliate-wire.ts";
import type { AffiliateView, WatchMessage } from "../registry/registry.ts";
import { splitBySize } from "./snapshot-split.ts";

/** How the answer is encoded. */
export type Codec = "binary" | "json";

type RawField = NonNullable<ListResponse["$unknown"]>[number];

const AFFILIATES_FIELD = 1;
const LENGTH_DELIMITED = 2;

// Views are immutable and shared by all readers, so their bytes may hang on them.
const rawFields = /* @__PURE__ */ new WeakMap<AffiliateView, RawField>();

/** One message, whatever its size: `List` is unary. */
export function listResponse(views: readonly AffiliateView[], codec: Codec): ListResponse {
  const $typeName = "sidero.discovery.server.ListResponse";
  return codec === "binary"
    ? { $typeName, affiliates: [], $unknown: views.map(rawField) }
    : { $typeName, affiliates: views.map(affiliateMessage) };
}

/**
 * The messages of one step of a watch: several for a snapshot over {@link MAX_SNAPSHOT_MESSAGE_BYTES}, of which clients
 * take the first as the snapshot and add the others, and one for each deleted ID.
 */
export function watchResponses(message: WatchMessage, codec: Codec): readonly WatchResponse[] {
  if (message.kind === "deleted") {
    return message.ids.map((id) => watchResponse([affiliateMessage({ id, ...NOTHING })], true));
  }
  return splitBySize(message.affiliates, encodedBytes, MAX_SNAPSHOT_MESSAGE_BYTES).map((views) =>
    codec === "binary"
      ? { ...watchResponse([], false), $unknown: views.map(rawField) }
      : watchResponse(views.map(affiliateMessage), false),
  );
}

const NOTHING = { data: /* @__PURE__ */ new Uint8Array(0), endpoints: [] };

function watchResponse(affiliates: WatchResponse["affiliates"], deleted: boolean): WatchResponse {
  return { $typeName: "sidero.discovery.server.WatchResponse", affiliates, deleted };
}

function affiliateMessage({ id, data, endpoints }: AffiliateView): WatchResponse["affiliates"][0] {
  return {
    $typeName: "sidero.discovery.server.Affiliate",
    id,
    data,
    endpoints: endpoints as Uint8Array[],
  };
}

function encodedBytes(view: AffiliateView): number {
  // The tag is one byte.
  return 1 + rawField(view).data.length;
}

function rawField(view: AffiliateView): RawField {
  let field = rawFields.get(view);
  if (field === undefined) {
    // The writer puts the tag, one byte, in front again.
    const data = affiliateWire(view).subarray(1);
    field = { no: AFFILIATES_FIELD, wireType: LENGTH_DELIMITED, data };
    rawFields.set(view, field);
  }
  return field;
}
