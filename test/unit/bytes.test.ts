import { expect, test } from "vitest";
import { EMPTY_BYTES, equalByteLists, equalBytes } from "../../src/bytes.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

test("empty bytes are none", () => {
  expect(EMPTY_BYTES).toEqual(new Uint8Array(0));
});

test.each<[Uint8Array, Uint8Array, boolean]>([
  [bytes(), EMPTY_BYTES, true],
  [bytes(1, 2), bytes(1, 2), true],
  [bytes(0, 1, 2).subarray(1), bytes(1, 2), true],
  [bytes(1, 2), bytes(1, 3), false],
  [bytes(1, 2), bytes(1), false],
  [bytes(), bytes(0), false],
])("whether %o and %o are equal: %o", (a, b, expected) => {
  expect(equalBytes(a, b)).toBe(expected);
  expect(equalBytes(b, a)).toBe(expected);
});

test.each<[Uint8Array[], Uint8Array[], boolean]>([
  [[], [], true],
  [[bytes(1), bytes(2)], [bytes(1), bytes(2)], true],
  [[bytes(1), bytes(2)], [bytes(2), bytes(1)], false],
  [[bytes(1)], [bytes(1), bytes(1)], false],
])("whether the lists %o and %o are equal: %o", (a, b, expected) => {
  expect(equalByteLists(a, b)).toBe(expected);
  expect(equalByteLists(b, a)).toBe(expected);
});
