import { describe, expect, test } from "vitest";
import { checkInteger, checkNumber, checkPositive } from "../../src/check.ts";

const { NaN: NAN, POSITIVE_INFINITY: INFINITY, MAX_SAFE_INTEGER } = Number;

describe("checkInteger", () => {
  test.each([1, 2, 1_800_000])("%d is in the range", (value) => {
    expect(checkInteger("ttlMs", value, 1, 1_800_000)).toBe(value);
  });

  test.each([0, -1, 1.5, 1_800_001, NAN, INFINITY, -INFINITY])("%d is refused", (value) => {
    expect(() => checkInteger("ttlMs", value, 1, 1_800_000)).toThrow(
      new RangeError(`ttlMs must be an integer from 1 to 1800000, got ${value}`),
    );
  });

  test.each(["5", null, undefined, {}])("%j is refused, whatever the types say", (value) => {
    expect(() => checkInteger("ttlMs", value as number, 1, 10)).toThrow(RangeError);
  });

  test("without an upper bound, every safe integer is valid", () => {
    expect(checkInteger("limits.maxClusters", MAX_SAFE_INTEGER, 1)).toBe(MAX_SAFE_INTEGER);
    for (const value of [0, MAX_SAFE_INTEGER + 1]) {
      expect(() => checkInteger("limits.maxClusters", value, 1)).toThrow(
        new RangeError(
          `limits.maxClusters must be an integer from 1 to 9007199254740991, got ${value}`,
        ),
      );
    }
  });
});

describe("checkNumber", () => {
  test.each([0, 0.5, 7, INFINITY])("%d is in the range", (value) => {
    expect(checkNumber("graceMs", value, 0, INFINITY)).toBe(value);
  });

  test.each([-1, NAN, -INFINITY])("%d is refused", (value) => {
    expect(() => checkNumber("graceMs", value, 0, INFINITY)).toThrow(
      new RangeError(`graceMs must be a number from 0 to Infinity, got ${value}`),
    );
  });
});

describe("checkPositive", () => {
  test.each([0.001, 1, 10])("%d is in the range", (value) => {
    expect(checkPositive("intervalMs", value, 10)).toBe(value);
  });

  test.each([0, -1, 10.5, NAN, INFINITY])("%d is refused", (value) => {
    expect(() => checkPositive("intervalMs", value, 10)).toThrow(
      new RangeError(`intervalMs must be a number above 0 and at most 10, got ${value}`),
    );
  });

  test("without an upper bound, every finite number is valid", () => {
    expect(checkPositive("rateLimit.perSecond", Number.MAX_VALUE)).toBe(Number.MAX_VALUE);
    expect(() => checkPositive("rateLimit.perSecond", INFINITY)).toThrow(
      new RangeError("rateLimit.perSecond must be a finite number above 0, got Infinity"),
    );
  });
});
