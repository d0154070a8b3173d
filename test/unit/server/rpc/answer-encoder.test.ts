import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ListResponseSchema, WatchResponseSchema } from "../../../../src/protocol/index.ts";
import { createAffiliateView } from "../../../../src/registry/affiliate-wire.ts";
import { MemoryBudget } from "../../../../src/registry/memory-budget.ts";
import type { AffiliateView, WatchMessage } from "../../../../src/registry/registry.ts";
import { AnswerEncoder, MAX_WHOLE_BYTES } from "../../../../src/server/rpc/answer-encoder.ts";
import type { ByteSource } from "../../../../src/server/rpc/byte-source.ts";
import {
  type Codec,
  listResponse,
  watchResponses,
} from "../../../../src/server/rpc/wire-messages.ts";

const codecs = ["binary", "json"] as const;

/** Protobuf's own encoding of what the registry tells. */
const byLibrary = {
  list(views: readonly AffiliateView[], codec: Codec): Uint8Array {
    const response = create(ListResponseSchema, listResponse(views, codec));
    if (codec === "binary") return toBinary(ListResponseSchema, response);
    return new TextEncoder().encode(toJsonString(ListResponseSchema, response));
  },
  watch(message: WatchMessage, codec: Codec): readonly Uint8Array[] {
    return watchResponses(message, codec).map((response) =>
      codec === "binary"
        ? toBinary(WatchResponseSchema, response)
        : new TextEncoder().encode(toJsonString(WatchResponseSchema, response)),
    );
  },
};

/** Takes all of a source in pieces, whose sizes come round again. */
function taken(source: ByteSource, sizes: readonly number[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (let i = 0; source.remaining > 0; i++) {
    const before = source.remaining;
    const maxBytes = sizes[i % sizes.length] as number;
    const piece = source.take(maxBytes);
    // Not by expect(): there may be thousands of pieces.
    const isRight = piece.length > 0 && piece.length <= maxBytes;
    if (!isRight || source.remaining !== before - piece.length) {
      throw new Error(
        `${piece.length} of ${maxBytes} bytes, then ${source.remaining} of ${before}`,
      );
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** Cuts envelopes apart. */
function messagesOf(bytes: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const messages: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== 0) throw new Error("an envelope with flags");
    const end = at + 5 + view.getUint32(at + 1);
    messages.push(bytes.subarray(at + 5, end));
    at = end;
  }
  return messages;
}

/** Nothing in common with the bytes of others, so that a mix-up shows. */
function filled(bytes: number, seed: number): Uint8Array {
  return new Uint8Array(bytes).map((_, i) => (i * 7 + seed * 31) & 0xff);
}

/** A small or a large affiliate; what a registry keeps, or a plain object. */
const affiliate: fc.Arbitrary<AffiliateView> = fc
  .record({
    id: fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
    dataBytes: fc.oneof(fc.nat(40), fc.integer({ min: 1900, max: 2048 })),
    endpoints: fc.oneof(fc.nat(3), fc.constant(64)),
    isWired: fc.boolean(),
  })
  .map(({ id, dataBytes, endpoints, isWired }) => {
    const data = filled(dataBytes, id.length);
    const parts = Array.from({ length: endpoints }, (_, i) => filled(i % 33, i));
    return isWired ? createAffiliateView(id, data, parts) : { id, data, endpoints: parts };
  });

/** Up to 170 kB, to both sides of what is encoded whole. */
const views = fc.array(affiliate, { maxLength: 40, size: "max" });
/** Pieces of one byte come between larger ones. */
const sizes = fc
  .tuple(
    fc.integer({ min: 1000, max: 40_000 }),
    fc.array(fc.integer({ min: 1, max: 40_000 }), { maxLength: 4 }),
  )
  .map(([large, others]) => [...others, large]);

function sameBytes(actual: Uint8Array, expected: Uint8Array): void {
  // A difference in megabytes is not for people to read.
  expect(actual.length).toBe(expected.length);
  expect(Buffer.compare(actual, expected)).toBe(0);
}

describe.each(codecs)("%s", (codec) => {
  test("a list is what the protobuf library writes, in pieces of any size", () => {
    fc.assert(
      fc.property(views, sizes, fc.boolean(), (affiliates, pieces, isEnveloped) => {
        const encoder = new AnswerEncoder();
        const expected = byLibrary.list(affiliates, codec);
        for (let again = 0; again < 2; again++) {
          const bytes = taken(encoder.list(affiliates, codec, isEnveloped), pieces);
          if (!isEnveloped) {
            sameBytes(bytes, expected);
            continue;
          }
          const messages = messagesOf(bytes);
          expect(messages).toHaveLength(1);
          sameBytes(messages[0] as Uint8Array, expected);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("a watch is what the protobuf library writes, in pieces of any size", () => {
    const message: fc.Arbitrary<WatchMessage> = fc.oneof(
      fc.record({ kind: fc.constantFrom("snapshot", "updated"), affiliates: views }),
      fc.record({
        kind: fc.constant("deleted" as const),
        ids: fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 80 }), {
          minLength: 1,
          maxLength: 120,
          size: "max",
        }),
      }),
    );
    fc.assert(
      fc.property(message, sizes, (told, pieces) => {
        const encoder = new AnswerEncoder();
        const expected = byLibrary.watch(told, codec);
        for (let again = 0; again < 2; again++) {
          const encoded = encoder.watch(told, codec);
          const messages = messagesOf(taken(encoded.bytes, pieces));
          expect(encoded.messages).toBe(expected.length);
          expect(messages).toHaveLength(expected.length);
          for (const [i, each] of messages.entries()) sameBytes(each, expected[i] as Uint8Array);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("a snapshot over 4,000,000 bytes comes in several messages, each split in the same place", () => {
    const affiliates = Array.from({ length: 1500 }, (_, i) =>
      createAffiliateView(
        `affiliate ${i}`,
        filled(2048, i),
        Array.from({ length: 64 }, (_, j) => filled(32, j)),
      ),
    );
    const told: WatchMessage = { kind: "snapshot", affiliates };
    const expected = byLibrary.watch(told, codec);
    expect(expected.length).toBeGreaterThan(1);
    const encoded = new AnswerEncoder().watch(told, codec);
    expect(encoded.messages).toBe(expected.length);
    const messages = messagesOf(taken(encoded.bytes, [32_768]));
    expect(messages).toHaveLength(expected.length);
    for (const [i, each] of messages.entries()) sameBytes(each, expected[i] as Uint8Array);
  });

  test("an empty list and an empty snapshot are one empty message", () => {
    const encoder = new AnswerEncoder();
    sameBytes(taken(encoder.list([], codec, false), [10]), byLibrary.list([], codec));
    const { messages, bytes } = encoder.watch({ kind: "snapshot", affiliates: [] }, codec);
    expect(messages).toBe(1);
    const [only] = messagesOf(taken(bytes, [1]));
    sameBytes(only as Uint8Array, byLibrary.list([], codec));
  });

  test("a small list is encoded once for all who ask, and so is a change", () => {
    const encoder = new AnswerEncoder();
    const small = [createAffiliateView("a", filled(100, 1), [])];
    const first = encoder.smallList(small, codec);
    expect(first).toBeInstanceOf(Uint8Array);
    expect(encoder.smallList(small, codec)).toBe(first);
    const told: WatchMessage = { kind: "updated", affiliates: small };
    const change = encoder.watch(told, codec).bytes.take(10_000);
    expect(encoder.watch(told, codec).bytes.take(10_000)).toBe(change);
  });

  test("a large list is not held whole by anybody", () => {
    const encoder = new AnswerEncoder();
    const large = Array.from({ length: 40 }, (_, i) =>
      createAffiliateView(`${i}`, filled(2048, i), []),
    );
    expect(byLibrary.list(large, "binary").length).toBeGreaterThan(MAX_WHOLE_BYTES);
    expect(encoder.smallList(large, codec)).toBeUndefined();
    expect(encoder.list(large, codec).take(100)).toHaveLength(100);
  });
});

test("caches count against the memory budget, and are empty when it is tight", () => {
  const memory = new MemoryBudget({ maxBytes: 1_000_000 });
  const encoder = new AnswerEncoder({ memory });
  const small = [createAffiliateView("a", filled(1000, 1), [])];
  const bytes = encoder.smallList(small, "json");
  expect(memory.usedBy("caches")).toBeGreaterThan(bytes?.length as number);
  memory.add("state", 950_000);
  expect(memory.isTight()).toBe(true);
  expect(memory.usedBy("caches")).toBe(0);
  sameBytes(encoder.smallList(small, "json") as Uint8Array, bytes as Uint8Array);
  expect(memory.usedBy("caches")).toBe(0);
});

test("pieces are made by the allocator that the runtime gives", () => {
  const allocated: number[] = [];
  const encoder = new AnswerEncoder({
    allocate(bytes) {
      allocated.push(bytes);
      return new Uint8Array(bytes);
    },
  });
  const large = Array.from({ length: 40 }, (_, i) =>
    createAffiliateView(`${i}`, filled(2048, i), []),
  );
  const source = encoder.list(large, "binary");
  source.take(1000);
  source.take(1);
  expect(allocated).toEqual([1000, 1]);
});
