import { create, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ListResponseSchema,
  SealedAffiliateSchema,
  WatchResponseSchema,
} from "../../../../src/protocol/index.ts";
import type { AffiliateView } from "../../../../src/registry/registry.ts";
import {
  listResponse,
  splitBySize,
  watchResponses,
} from "../../../../src/server/rpc/wire-messages.ts";

const view: fc.Arbitrary<AffiliateView> = fc.record({
  id: fc.string({ unit: "grapheme" }),
  data: fc.uint8Array(),
  endpoints: fc.array(fc.uint8Array()),
});

function plain({ id, data, endpoints }: AffiliateView) {
  return create(SealedAffiliateSchema, { id, data, endpoints: [...endpoints] });
}

test("binary answers are byte for byte what the protobuf library writes", () => {
  fc.assert(
    fc.property(fc.array(view), (views) => {
      const affiliates = views.map(plain);
      expect(toBinary(ListResponseSchema, listResponse(views, "binary"))).toEqual(
        toBinary(ListResponseSchema, create(ListResponseSchema, { affiliates })),
      );
      for (const kind of ["snapshot", "updated"] as const) {
        const [first] = watchResponses({ kind, affiliates: views }, "binary");
        expect(toBinary(WatchResponseSchema, first as NonNullable<typeof first>)).toEqual(
          toBinary(WatchResponseSchema, create(WatchResponseSchema, { affiliates })),
        );
      }
    }),
  );
});

test("JSON answers are what the protobuf library writes", () => {
  fc.assert(
    fc.property(fc.array(view), (views) => {
      const affiliates = views.map(plain);
      expect(toJson(ListResponseSchema, listResponse(views, "json"))).toEqual(
        toJson(ListResponseSchema, create(ListResponseSchema, { affiliates })),
      );
      const [first] = watchResponses({ kind: "snapshot", affiliates: views }, "json");
      expect(toJson(WatchResponseSchema, first as NonNullable<typeof first>)).toEqual(
        toJson(WatchResponseSchema, create(WatchResponseSchema, { affiliates })),
      );
    }),
  );
});

test("each deleted affiliate has a message of its own, with only its ID", () => {
  const messages = watchResponses({ kind: "deleted", ids: ["a", "b"] }, "binary");
  expect(messages.map((m) => toJson(WatchResponseSchema, m))).toEqual([
    { affiliates: [{ id: "a" }], deleted: true },
    { affiliates: [{ id: "b" }], deleted: true },
  ]);
});

test("an empty snapshot is one empty message", () => {
  const messages = watchResponses({ kind: "snapshot", affiliates: [] }, "binary");
  expect(messages.map((m) => toBinary(WatchResponseSchema, m))).toEqual([new Uint8Array(0)]);
});

test.each(["binary", "json"] as const)(
  "a snapshot of exactly 4,000,000 bytes is one message, one byte more makes two (%s)",
  (codec) => {
    // id: 2 bytes of head and 2; data: 4 of head; the entry: 4 of head.
    const sized = (id: string, bytes: number): AffiliateView => ({
      id,
      data: new Uint8Array(bytes - 12),
      endpoints: [],
    });
    const fitting = [sized("aa", 2_000_000), sized("bb", 2_000_000)];
    const total = toBinary(ListResponseSchema, listResponse(fitting, "binary")).length;
    const missing = 4_000_000 - total;
    const exact = [sized("aa", 2_000_000), sized("bb", 2_000_000 + missing)];
    expect(toBinary(ListResponseSchema, listResponse(exact, "binary"))).toHaveLength(4_000_000);
    expect(watchResponses({ kind: "snapshot", affiliates: exact }, codec)).toHaveLength(1);
    const over = [sized("aa", 2_000_000), sized("bb", 2_000_001 + missing)];
    expect(watchResponses({ kind: "snapshot", affiliates: over }, codec)).toHaveLength(2);
  },
);

const ownSize = (size: number) => size;

describe("splitting by size", () => {
  test("nothing is one empty group", () => {
    expect(splitBySize([], ownSize, 10)).toEqual([[]]);
  });

  test("what fits exactly is one group, one byte more makes two", () => {
    expect(splitBySize([4, 6], ownSize, 10)).toEqual([[4, 6]]);
    expect(splitBySize([4, 7], ownSize, 10)).toEqual([[4], [7]]);
  });

  test("an item over the limit stands alone", () => {
    expect(splitBySize([1, 11, 1], ownSize, 10)).toEqual([[1], [11], [1]]);
  });

  test("groups keep all items in order, within the limit, and no two neighbours would fit together", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 100 })), (sizes) => {
        const groups = splitBySize(sizes, ownSize, 100);
        const sum = (group: readonly number[]) => group.reduce((a, b) => a + b, 0);
        expect(groups.flat()).toEqual(sizes);
        for (const [i, group] of groups.entries()) {
          expect(sum(group)).toBeLessThanOrEqual(100);
          const next = groups[i + 1]?.[0];
          if (next !== undefined) expect(sum(group) + next).toBeGreaterThan(100);
        }
      }),
    );
  });
});
