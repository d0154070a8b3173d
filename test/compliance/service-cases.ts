/**
 * Calls that get the same answer, byte for byte, on every way in.
 * @module
 */
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import {
  AffiliateDeleteRequestSchema,
  AffiliateUpdateRequestSchema,
  HelloRequestSchema,
  ListRequestSchema,
  WatchRequestSchema,
} from "../../src/protocol/index.ts";
import { frame } from "../harness/service/test-service.ts";

const MINUTE = { seconds: 60n };

/** A request as it goes over the wire. */
export function request<Desc extends DescMessage>(
  schema: Desc,
  fields: MessageInitShape<Desc>,
): Buffer {
  return frame(toBinary(schema, create(schema, fields)));
}

export const HELLO: Buffer = request(HelloRequestSchema, {
  clusterId: "c",
  clientVersion: "v1.8.3",
});
export const LIST: Buffer = request(ListRequestSchema, { clusterId: "c" });
export const WATCH: Buffer = request(WatchRequestSchema, { clusterId: "c" });
const DELETE: Buffer = request(AffiliateDeleteRequestSchema, { clusterId: "c", affiliateId: "a" });
export const UPDATE: Buffer = request(AffiliateUpdateRequestSchema, {
  clusterId: "c",
  affiliateId: "a",
  affiliateData: new Uint8Array(500).fill(7),
  affiliateEndpoints: [new Uint8Array(16).fill(1), new Uint8Array(32).fill(2)],
  ttl: MINUTE,
});

/** A call, what is wrong or unusual with it, and what it comes to. */
export interface Case {
  readonly name: string;
  readonly method: string;
  readonly body: Uint8Array;
  readonly headers?: Record<string, string>;
  readonly status: Code | 0;
}

export function updateOf(fields: {
  readonly clusterId?: string;
  readonly affiliateId?: string;
  readonly affiliateData?: Uint8Array;
  readonly affiliateEndpoints?: Uint8Array[];
  readonly ttl?: { seconds: bigint; nanos?: number } | undefined;
}): Buffer {
  const base = { clusterId: "c", affiliateId: "a", ttl: MINUTE };
  return request(AffiliateUpdateRequestSchema, { ...base, ...fields });
}

function many(count: number, bytes: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => new Uint8Array(bytes).fill(i));
}

/** Calls whose whole answer is the same on every way in. */
export const CASES: readonly Case[] = [
  { name: "Hello", method: "Hello", body: HELLO, status: 0 },
  { name: "an update", method: "AffiliateUpdate", body: UPDATE, status: 0 },
  { name: "the same update again", method: "AffiliateUpdate", body: UPDATE, status: 0 },
  { name: "a list", method: "List", body: LIST, status: 0 },
  { name: "a delete", method: "AffiliateDelete", body: DELETE, status: 0 },
  { name: "a delete of what is not there", method: "AffiliateDelete", body: DELETE, status: 0 },
  { name: "an empty list", method: "List", body: LIST, status: 0 },
  {
    name: "text beyond ASCII",
    method: "AffiliateUpdate",
    body: updateOf({ affiliateId: "Zürich 🏔" }),
    status: 0,
  },
  { name: "a list with text beyond ASCII", method: "List", body: LIST, status: 0 },
  {
    name: "a delete of text beyond ASCII",
    method: "AffiliateDelete",
    body: request(AffiliateDeleteRequestSchema, { clusterId: "c", affiliateId: "Zürich 🏔" }),
    status: 0,
  },
  {
    name: "a long ID",
    method: "AffiliateUpdate",
    body: updateOf({ affiliateId: "x".repeat(256) }),
    status: 0,
  },
  {
    name: "an unknown field",
    method: "Hello",
    body: frame(Buffer.from([0x0a, 1, 0x63, 0x7a, 1, 0x2a])),
    status: 0,
  },
  {
    name: "a field that comes twice",
    method: "Hello",
    body: frame(Buffer.from([0x0a, 1, 0x62, 0x0a, 1, 0x63])),
    status: 0,
  },
  {
    name: "a TTL that is missing",
    method: "AffiliateUpdate",
    body: updateOf({ ttl: undefined }),
    status: 0,
  },
  {
    name: "nanoseconds",
    method: "AffiliateUpdate",
    body: updateOf({ ttl: { seconds: 1n, nanos: 999_999_999 } }),
    status: 0,
  },
  {
    name: "an empty cluster ID",
    method: "Hello",
    body: request(HelloRequestSchema, {}),
    status: Code.InvalidArgument,
  },
  {
    name: "an empty message",
    method: "Hello",
    body: frame(new Uint8Array(0)),
    status: Code.InvalidArgument,
  },
  {
    name: "a cluster ID that is too long",
    method: "List",
    body: request(ListRequestSchema, { clusterId: "c".repeat(257) }),
    status: Code.InvalidArgument,
  },
  {
    name: "a watch of a cluster ID that is too long",
    method: "Watch",
    body: request(WatchRequestSchema, { clusterId: "é".repeat(200) }),
    status: Code.InvalidArgument,
  },
  {
    name: "a watch of nothing",
    method: "Watch",
    body: request(WatchRequestSchema, {}),
    status: Code.InvalidArgument,
  },
  {
    name: "an empty affiliate ID",
    method: "AffiliateDelete",
    body: request(AffiliateDeleteRequestSchema, { clusterId: "c" }),
    status: Code.InvalidArgument,
  },
  {
    name: "data that is too big",
    method: "AffiliateUpdate",
    body: updateOf({ affiliateData: new Uint8Array(2049) }),
    status: Code.InvalidArgument,
  },
  {
    name: "an endpoint that is too big",
    method: "AffiliateUpdate",
    body: updateOf({ affiliateEndpoints: many(1, 33) }),
    status: Code.InvalidArgument,
  },
  {
    name: "a TTL that is too large",
    method: "AffiliateUpdate",
    body: updateOf({ ttl: { seconds: 1801n } }),
    status: Code.InvalidArgument,
  },
  {
    name: "a negative TTL",
    method: "AffiliateUpdate",
    body: updateOf({ ttl: { seconds: -1n } }),
    status: Code.InvalidArgument,
  },
  {
    name: "too many endpoints",
    method: "AffiliateUpdate",
    body: updateOf({ affiliateEndpoints: many(65, 16) }),
    status: Code.ResourceExhausted,
  },
  {
    name: "bytes that are no protobuf",
    method: "Hello",
    body: frame(Buffer.from([0xff, 0xff])),
    status: Code.Internal,
  },
  {
    name: "a length past the end of the message",
    method: "Hello",
    body: frame(Buffer.from([0x0a, 9, 1])),
    status: Code.Internal,
  },
  {
    name: "a duration past the end of the message",
    method: "AffiliateUpdate",
    body: frame(Buffer.from([0x2a, 9, 8, 1])),
    status: Code.Internal,
  },
  {
    name: "text that is not UTF-8",
    method: "Hello",
    body: frame(Buffer.from([0x0a, 1, 0xff])),
    status: Code.Internal,
  },
  {
    name: "a tag that is cut short",
    method: "List",
    body: frame(Buffer.from([0x8a])),
    status: Code.Internal,
  },
  { name: "field 0", method: "List", body: frame(Buffer.from([0x02, 0])), status: Code.Internal },
  {
    name: "a wire type that there is not",
    method: "List",
    body: frame(Buffer.from([0x0f])),
    status: Code.Internal,
  },
  {
    name: "a message over 16 KiB",
    method: "Hello",
    body: frame(new Uint8Array(16_385)),
    status: Code.ResourceExhausted,
  },
  {
    name: "a length of 4 GiB",
    method: "Hello",
    body: frame(HELLO, { length: 0xffff_ffff }),
    status: Code.ResourceExhausted,
  },
  {
    name: "a frame that is cut short",
    method: "Hello",
    body: frame(HELLO, { length: 100 }),
    status: Code.InvalidArgument,
  },
  {
    name: "a head that is cut short",
    method: "Hello",
    body: Buffer.alloc(3),
    status: Code.InvalidArgument,
  },
  {
    name: "a second head that is cut short",
    method: "Hello",
    body: Buffer.concat([HELLO, Buffer.alloc(3)]),
    status: Code.InvalidArgument,
  },
  { name: "no message", method: "Hello", body: Buffer.alloc(0), status: Code.Unimplemented },
  {
    name: "no message of a watch",
    method: "Watch",
    body: Buffer.alloc(0),
    status: Code.Unimplemented,
  },
  {
    name: "two messages",
    method: "Hello",
    body: Buffer.concat([HELLO, HELLO]),
    status: Code.Unimplemented,
  },
  {
    name: "two messages of a watch",
    method: "Watch",
    body: Buffer.concat([WATCH, WATCH]),
    status: Code.Unimplemented,
  },
  {
    name: "a compressed message without a named compression",
    method: "Hello",
    body: frame(HELLO.subarray(5), { flags: 1 }),
    status: Code.Internal,
  },
  {
    name: "a deadline in hours",
    method: "Hello",
    body: HELLO,
    headers: { "grpc-timeout": "500H" },
    status: 0,
  },
  {
    name: "a deadline in minutes",
    method: "Hello",
    body: HELLO,
    headers: { "grpc-timeout": "10M" },
    status: 0,
  },
  {
    name: "a deadline in seconds",
    method: "Hello",
    body: HELLO,
    headers: { "grpc-timeout": "60S" },
    status: 0,
  },
  {
    name: "a deadline in milliseconds",
    method: "Hello",
    body: HELLO,
    headers: { "grpc-timeout": "60000m" },
    status: 0,
  },
  {
    name: "a deadline in microseconds",
    method: "Hello",
    body: HELLO,
    headers: { "grpc-timeout": "60000000u" },
    status: 0,
  },
  {
    name: "a deadline of nine digits",
    method: "Hello",
    body: HELLO,
    headers: { "grpc-timeout": "100000000n" },
    status: Code.InvalidArgument,
  },
  {
    name: "a deadline without a unit",
    method: "Hello",
    body: HELLO,
    headers: { "grpc-timeout": "5" },
    status: Code.InvalidArgument,
  },
  {
    name: "a deadline that is none",
    method: "Watch",
    body: WATCH,
    headers: { "grpc-timeout": "soon %" },
    status: Code.InvalidArgument,
  },
  {
    name: "the other content type",
    method: "Hello",
    body: HELLO,
    headers: { "content-type": "application/grpc+proto" },
    status: 0,
  },
  {
    name: "a named absence of compression",
    method: "Hello",
    body: HELLO,
    headers: { "grpc-encoding": "identity" },
    status: 0,
  },
  {
    name: "metadata that nobody knows",
    method: "Hello",
    body: HELLO,
    headers: { "x-more": "1", "x-more-bin": "AAE" },
    status: 0,
  },
];
