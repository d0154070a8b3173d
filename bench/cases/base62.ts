/**
 * The base62 of node identities against its slow twin, which spells out the definition bit by bit.
 * @module
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { base62 } from "../../src/identity/index.ts";
import { slowDecode, slowEncode } from "../../test/unit/identity/slow-base62.ts";
import type { Comparison } from "../harness/compare.ts";
import { type BenchOptions, compareAll } from "../harness/measure.ts";

export const measure = (options: BenchOptions) => compareAll(comparisons(), options);

function* comparisons(): Iterable<Comparison> {
  // Many identities in turn: the number of escapes differs from one to the next.
  const identities = Array.from({ length: 256 }, () => new Uint8Array(randomBytes(32)));
  const texts = identities.map((bytes) => base62.encode(bytes));
  const bytesAt = (index: number) => identities[index & 255] as Uint8Array;
  const textAt = (index: number) => texts[index & 255] as string;

  yield {
    name: "base62 encode, 32 bytes",
    verify: () => assert.deepEqual(texts, identities.map(slowEncode)),
    versions: [
      { name: "ours", run: (index) => base62.encode(bytesAt(index)) },
      { name: "bit string", run: (index) => slowEncode(bytesAt(index)) },
    ],
  };
  yield {
    name: "base62 decode, 43 to 45 characters",
    verify: () => {
      assert.deepEqual(texts.map(base62.decode), identities);
      assert.deepEqual(texts.map(slowDecode), identities);
    },
    versions: [
      { name: "ours", run: (index) => base62.decode(textAt(index)) },
      { name: "bit string", run: (index) => slowDecode(textAt(index)) },
    ],
  };
}
