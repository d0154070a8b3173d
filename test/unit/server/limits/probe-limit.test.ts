import { expect, test } from "vitest";
import { parseAddress } from "../../../../src/net/address.ts";
import { ProbeLimiter } from "../../../../src/server/limits/probe-limit.ts";

const A = parseAddress("192.0.2.1");
const B = parseAddress("2001:db8::1");

test("a client has its burst, then its rate, and is refused at once beyond", () => {
  let now = 0;
  const limiter = new ProbeLimiter({ perSecond: 10, burst: 3 }, () => now);
  const taken = () => [1, 2, 3, 4].map(() => limiter.take(A));
  expect(taken()).toEqual([true, true, true, false]);
  expect(limiter.take(B)).toBe(true);
  now += 100;
  expect(taken()).toEqual([true, false, false, false]);
  now += 10_000;
  expect(taken()).toEqual([true, true, true, false]);
});

test("addresses of one IPv6 network of 64 bits are one client", () => {
  const limiter = new ProbeLimiter({ perSecond: 1, burst: 1 }, () => 0);
  expect(limiter.take(B)).toBe(true);
  expect(limiter.take(parseAddress("2001:db8::2"))).toBe(false);
  expect(limiter.take(parseAddress("2001:db8:0:1::"))).toBe(true);
});

test("nobody is limited whose address is not known", () => {
  const limiter = new ProbeLimiter({ perSecond: 1, burst: 1 }, () => 0);
  for (let i = 0; i < 10; i++) expect(limiter.take(undefined)).toBe(true);
});

test.each([
  [
    { perSecond: Number.NaN, burst: 1 },
    "probeRateLimit.perSecond must be a finite number above 0, got NaN",
  ],
  [
    { perSecond: 1, burst: 0 },
    "probeRateLimit.burst must be an integer from 1 to 9007199254740991, got 0",
  ],
])("%o is a mistake", (limit, message) => {
  expect(() => new ProbeLimiter(limit)).toThrow(new RangeError(message));
});
