/**
 * The hand-written reader against the protobuf library: what it takes, the library reads the same.
 * @module
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AffiliateDeleteRequestSchema,
  type AffiliateUpdateRequest,
  AffiliateUpdateRequestSchema,
  HelloRequestSchema,
  ListRequestSchema,
  WatchRequestSchema,
} from "../../../src/protocol/index.ts";
import {
  type PlainUpdateRequest,
  readPlainRequest,
  readPlainUpdateRequest,
} from "../../../src/protocol/plain-requests.ts";

const plainId = fc.string({ unit: "binary-ascii", maxLength: 256 });
const anyId = fc.oneof(plainId, fc.string({ unit: "binary" }));
const bytes = fc.uint8Array({ maxLength: 300 });

const update = fc.record(
  {
    clusterId: anyId,
    affiliateId: anyId,
    affiliateData: bytes,
    affiliateEndpoints: fc.array(bytes, { maxLength: 5 }),
    ttl: fc.record({
      seconds: fc.oneof(fc.bigInt(0n, 4000n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
      nanos: fc.oneof(fc.constant(0), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
    }),
  },
  { requiredKeys: [] },
);

function fieldsOf(request: AffiliateUpdateRequest): PlainUpdateRequest {
  const { clusterId, affiliateId, affiliateData, affiliateEndpoints, ttl } = request;
  return {
    clusterId,
    affiliateId,
    affiliateData,
    affiliateEndpoints,
    ttl: ttl && { seconds: ttl.seconds, nanos: ttl.nanos },
  };
}

function libraryUpdate(message: Uint8Array): PlainUpdateRequest | undefined {
  try {
    return fieldsOf(fromBinary(AffiliateUpdateRequestSchema, message));
  } catch {
    return undefined;
  }
}

/** Damages that bytes on their way may take. */
function damaged(message: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(message, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.nat(3), fc.uint8Array())
    .map(([whole, place, byte, kind, tail]) => {
      const at = whole.length === 0 ? 0 : place % whole.length;
      if (kind === 0) return whole.subarray(0, at);
      if (kind === 1) return Uint8Array.from([...whole, ...tail]);
      if (kind === 2) return Uint8Array.from([...whole, ...whole]);
      const copy = whole.slice();
      copy[at] = byte;
      return copy;
    });
}

const updateBytes = update.map((fields) =>
  toBinary(AffiliateUpdateRequestSchema, create(AffiliateUpdateRequestSchema, fields)),
);

describe("an update request", () => {
  test("as nodes send it is read by hand", () => {
    const fields = {
      clusterId: "c",
      affiliateId: "a",
      affiliateData: new Uint8Array(2048).fill(7),
      affiliateEndpoints: [new Uint8Array(16).fill(1), new Uint8Array(32).fill(2)],
      ttl: { seconds: 1800n, nanos: 0 },
    };
    const message = create(AffiliateUpdateRequestSchema, fields);
    const read = readPlainUpdateRequest(toBinary(AffiliateUpdateRequestSchema, message));
    expect(read).toEqual(fields);
  });

  test("without any field is read by hand", () => {
    expect(readPlainUpdateRequest(new Uint8Array(0))).toEqual(
      fieldsOf(create(AffiliateUpdateRequestSchema)),
    );
  });

  test("that is read by hand is what the library reads, damaged or not", () => {
    let readByHand = 0;
    fc.assert(
      fc.property(fc.oneof(updateBytes, damaged(updateBytes), fc.uint8Array()), (message) => {
        const read = readPlainUpdateRequest(message);
        if (read === undefined) return;
        readByHand++;
        expect(read).toEqual(libraryUpdate(message));
      }),
      { numRuns: 3000 },
    );
    expect(readByHand).toBeGreaterThan(30);
  });

  test.each([
    ["a field that runs past the message", [0x0a, 5, 0x61]],
    ["a duration that runs past the message", [0x2a, 5, 0x08, 1]],
    ["a duration's number that runs past the duration", [0x2a, 1, 0x08, 1]],
    ["a length that is cut short", [0x0a, 0x80]],
    ["a tag that is cut short", [0x8a]],
    ["text that is not ASCII", [0x0a, 2, 0xc3, 0xa9]],
    ["text that is not UTF-8", [0x0a, 1, 0xff]],
    ["another wire type", [0x08, 1]],
    ["an unknown field", [0x7a, 1, 0x2a]],
    ["field 0", [0x02, 0]],
    ["a field that comes twice", [0x0a, 1, 0x61, 0x0a, 1, 0x62]],
    ["a duration that comes twice", [0x2a, 2, 0x08, 1, 0x2a, 2, 0x10, 1]],
    ["a negative duration", [0x2a, 11, 0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]],
  ])("with %s is left to the library", (_name, message) => {
    expect(readPlainUpdateRequest(Uint8Array.from(message))).toBeUndefined();
  });
});

describe.each([
  ["Hello", HelloRequestSchema, "clientVersion"],
  ["AffiliateDelete", AffiliateDeleteRequestSchema, "affiliateId"],
] as const)("a request of %s", (_method, schema, second) => {
  const requestBytes = fc
    .tuple(anyId, anyId)
    .map(([clusterId, other]) => toBinary(schema, create(schema, { clusterId, [second]: other })));

  test("as nodes send it is read by hand", () => {
    const message = toBinary(schema, create(schema, { clusterId: "c", [second]: "v1.8.3" }));
    expect(readPlainRequest(message)).toEqual({ clusterId: "c", second: "v1.8.3" });
  });

  test("that is read by hand is what the library reads, damaged or not", () => {
    fc.assert(
      fc.property(fc.oneof(requestBytes, damaged(requestBytes), fc.uint8Array()), (message) => {
        const read = readPlainRequest(message);
        if (read === undefined) return;
        const library = fromBinary(schema, message) as unknown as Record<string, unknown>;
        expect(read).toEqual({ clusterId: library.clusterId, second: library[second] });
      }),
      { numRuns: 2000 },
    );
  });
});

test.each([
  ["List", ListRequestSchema],
  ["Watch", WatchRequestSchema],
] as const)("field 2 of a request of %s does not matter", (_method, schema) => {
  const message = Uint8Array.from([0x0a, 1, 0x63, 0x12, 1, 0x64]);
  expect(readPlainRequest(message)?.clusterId).toBe("c");
  expect(fromBinary(schema, message).clusterId).toBe("c");
});
