import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  AffiliateSchema,
  ListResponseSchema,
  WatchResponseSchema,
} from "../../../src/protocol/gen/sidero/discovery/server/cluster_pb.ts";
import { encodeAffiliateField } from "../../../src/protocol/sealed.ts";

const affiliates = fc.record({
  id: fc.oneof(fc.string(), fc.string({ unit: "binary", maxLength: 256 })),
  data: fc.uint8Array({ maxLength: 300 }),
  endpoints: fc.array(fc.uint8Array({ maxLength: 32 }), { maxLength: 64 }),
});

function asListResponse(list: { id: string; data: Uint8Array; endpoints: Uint8Array[] }[]) {
  return toBinary(
    ListResponseSchema,
    create(ListResponseSchema, { affiliates: list.map((a) => create(AffiliateSchema, a)) }),
  );
}

test("the field of an affiliate is what protobuf writes", () => {
  fc.assert(
    fc.property(affiliates, (affiliate) => {
      const field = encodeAffiliateField(affiliate.id, affiliate.data, affiliate.endpoints);
      expect(field).toEqual(asListResponse([affiliate]));
      expect(field).toEqual(
        toBinary(WatchResponseSchema, create(WatchResponseSchema, { affiliates: [affiliate] })),
      );
    }),
  );
});

test("fields next to each other are a list", () => {
  fc.assert(
    fc.property(fc.array(affiliates, { maxLength: 5 }), (list) => {
      const fields = list.map((a) => encodeAffiliateField(a.id, a.data, a.endpoints));
      expect(new Uint8Array(fields.flatMap((field) => [...field]))).toEqual(asListResponse(list));
    }),
  );
});

test.each([0, 1, 123, 124, 125, 126, 127, 128, 16_380, 16_383, 16_384, 20_000])(
  "lengths around the steps of a varint hold (%i bytes of data)",
  (dataBytes) => {
    const data = new Uint8Array(dataBytes).fill(7);
    expect(encodeAffiliateField("a", data, [])).toEqual(
      asListResponse([{ id: "a", data, endpoints: [] }]),
    );
  },
);

test("the largest affiliate of a service encodes", () => {
  const affiliate = {
    id: "a".repeat(256),
    data: new Uint8Array(2048).fill(255),
    endpoints: Array.from({ length: 64 }, (_, i) => new Uint8Array(32).fill(i)),
  };
  expect(encodeAffiliateField(affiliate.id, affiliate.data, affiliate.endpoints)).toEqual(
    asListResponse([affiliate]),
  );
});
