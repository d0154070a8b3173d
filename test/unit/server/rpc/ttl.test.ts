import { expect, test } from "vitest";
import { ttlMsOf } from "../../../../src/server/rpc/ttl.ts";

test.each([
  ["a missing ttl is 0", undefined, 0],
  ["seconds and nanos add up", { seconds: 1n, nanos: 500_000_000 }, 1500],
  ["30 minutes", { seconds: 1800n, nanos: 0 }, 1_800_000],
  ["a nanosecond over 30 minutes is over it", { seconds: 1800n, nanos: 1 }, 1_800_001],
  ["a nanosecond under 30 minutes", { seconds: 1799n, nanos: 999_999_999 }, 1_800_000],
  ["a part of a millisecond is a whole one", { seconds: 0n, nanos: 1 }, 1],
  ["a nanosecond under zero is negative", { seconds: 0n, nanos: -1 }, -1],
  ["nanos over a second are carried", { seconds: 1799n, nanos: 1_000_000_000 }, 1_800_000],
  ["nanos of the other sign are taken off", { seconds: 1n, nanos: -1_000_000 }, 999],
  [
    "the largest int64 is far over",
    { seconds: 2n ** 63n - 1n, nanos: 0 },
    Number(2n ** 63n) * 1000,
  ],
  ["the least int64 is far under", { seconds: -(2n ** 63n), nanos: 0 }, -Number(2n ** 63n) * 1000],
])("%s", (_name, ttl, expected) => {
  expect(ttlMsOf(ttl)).toBe(expected);
});
