/**
 * What a registry tells, as messages of the wire.
 *
 * An affiliate is encoded once, by the registry: binary answers carry its bytes. The protobuf
 * library keeps fields that it does not know as they came and writes them back untouched, and here
 * all of `affiliates` is made to be such a field. JSON answers hold real messages.
 * @module
 */
import { EMPTY_BYTES } from "../../bytes.ts";
import type {
  ListResponse,
  WatchResponse,
} from "../../protocol/gen/sidero/discovery/server/cluster_pb.ts";
import { MAX_SNAPSHOT_MESSAGE_BYTES } from "../../protocol/limits.ts";
import { affiliateWire, affiliateWireBytes } from "../../registry/affiliate-wire.ts";
import type { AffiliateView, WatchMessage } from "../../registry/registry.ts";

/** How the answer is encoded. */
export type Codec = "binary" | "json";

type RawField = NonNullable<ListResponse["$unknown"]>[number];

const AFFILIATES_FIELD = 1;
const LENGTH_DELIMITED = 2;
const TAG_BYTES = 1;

/** One message, whatever its size: `List` is unary. */
export function listResponse(views: readonly AffiliateView[], codec: Codec): ListResponse {
  const $typeName = "sidero.discovery.server.ListResponse";
  return codec === "binary"
    ? { $typeName, affiliates: [], $unknown: rawFields(views) }
    : { $typeName, affiliates: views.map(affiliateMessage) };
}

/**
 * The messages of one step of a watch: several for a snapshot over
 * {@link MAX_SNAPSHOT_MESSAGE_BYTES}, of which clients take the first as the snapshot and add the
 * others, and one for each deleted ID.
 */
export function watchResponses(message: WatchMessage, codec: Codec): readonly WatchResponse[] {
  if (message.kind === "deleted") {
    return message.ids.map((id) => watchResponse([affiliateMessage({ id, ...NOTHING })], true));
  }
  return splitBySize(message.affiliates, affiliateWireBytes, MAX_SNAPSHOT_MESSAGE_BYTES).map(
    (views) =>
      codec === "binary"
        ? { ...watchResponse([], false), $unknown: rawFields(views) }
        : watchResponse(views.map(affiliateMessage), false),
  );
}

const NOTHING = { data: EMPTY_BYTES, endpoints: [] };

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

/**
 * All affiliates as one field: its first tag is the writer's to put in front, the others are
 * inside.
 */
function rawFields(views: readonly AffiliateView[]): RawField[] {
  const wires = views.map(affiliateWire);
  const [first] = wires;
  if (first === undefined) return [];
  let data = first;
  if (wires.length > 1) {
    data = new Uint8Array(wires.reduce((bytes, wire) => bytes + wire.length, 0));
    let at = 0;
    for (const wire of wires) {
      data.set(wire, at);
      at += wire.length;
    }
  }
  return [{ no: AFFILIATES_FIELD, wireType: LENGTH_DELIMITED, data: data.subarray(TAG_BYTES) }];
}

/**
 * Splits `items` in order into groups of at most `maxBytes`, as common receive limits require.
 *
 * @param items - In the order of delivery.
 * @param sizeOf - Encoded bytes of one item.
 * @param maxBytes - A larger item gets a group of its own.
 * @returns One group if all fit, also for no items.
 */
export function splitBySize<T>(
  items: readonly T[],
  sizeOf: (item: T) => number,
  maxBytes: number,
): readonly (readonly T[])[] {
  const groups: T[][] = [];
  let group: T[] = [];
  let groupBytes = 0;
  for (const item of items) {
    const itemBytes = sizeOf(item);
    if (group.length > 0 && groupBytes + itemBytes > maxBytes) {
      groups.push(group);
      group = [];
      groupBytes = 0;
    }
    group.push(item);
    groupBytes += itemBytes;
  }
  groups.push(group);
  return groups;
}
