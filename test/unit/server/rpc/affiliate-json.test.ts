import { create, toJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SealedAffiliateSchema } from "../../../../src/protocol/index.ts";
import { affiliateWire } from "../../../../src/registry/affiliate-wire.ts";
import type { AffiliateView } from "../../../../src/registry/registry.ts";
import {
  affiliateJsonBytes,
  encodeAffiliateJson,
} from "../../../../src/server/rpc/affiliate-json.ts";

/** Any UTF-16, lone surrogates too, and what JSON and HTML have a meaning for. */
const hostileId: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
  fc.string({
    unit: fc.constantFrom('"', "\\", "\n", "\u0000", "\u007f", "\u2028", "</", "é", "💥"),
  }),
  fc.constantFrom("", "\ud83d", "\udca5", '"},{"id":"x', "__proto__"),
);

const view: fc.Arbitrary<AffiliateView> = fc.record({
  id: hostileId,
  data: fc.oneof(fc.constant(new Uint8Array(0)), fc.uint8Array({ maxLength: 2048 })),
  endpoints: fc.array(fc.uint8Array({ maxLength: 32 }), { maxLength: 64 }),
});

function byLibrary({ id, data, endpoints }: AffiliateView): string {
  const affiliate = create(SealedAffiliateSchema, { id, data, endpoints: [...endpoints] });
  return toJsonString(SealedAffiliateSchema, affiliate);
}

test("an affiliate as JSON is byte for byte what the protobuf library writes", () => {
  fc.assert(
    fc.property(view, (affiliate) => {
      const json = encodeAffiliateJson(affiliate.id, affiliateWire(affiliate));
      expect(new TextDecoder().decode(json)).toBe(byLibrary(affiliate));
    }),
    { numRuns: 500 },
  );
});

test("its size is known without writing it", () => {
  fc.assert(
    fc.property(view, (affiliate) => {
      const wire = affiliateWire(affiliate);
      expect(affiliateJsonBytes(affiliate.id, wire)).toBe(
        new TextEncoder().encode(byLibrary(affiliate)).length,
      );
    }),
    { numRuns: 500 },
  );
});

test.each([
  ["nothing", { id: "", data: new Uint8Array(0), endpoints: [] }, "{}"],
  ["an ID", { id: "a", data: new Uint8Array(0), endpoints: [] }, '{"id":"a"}'],
  ["data", { id: "", data: Uint8Array.of(1), endpoints: [] }, '{"data":"AQ=="}'],
  [
    "endpoints, one of them empty",
    { id: "", data: new Uint8Array(0), endpoints: [Uint8Array.of(1, 2), new Uint8Array(0)] },
    '{"endpoints":["AQI=",""]}',
  ],
  [
    "all of it",
    { id: "a", data: Uint8Array.of(255, 254, 253), endpoints: [Uint8Array.of(0)] },
    '{"id":"a","data":"//79","endpoints":["AA=="]}',
  ],
])("an affiliate with %s", (_name, affiliate: AffiliateView, json) => {
  const bytes = encodeAffiliateJson(affiliate.id, affiliateWire(affiliate));
  expect(new TextDecoder().decode(bytes)).toBe(json);
  expect(byLibrary(affiliate)).toBe(json);
});
