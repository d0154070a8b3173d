import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseAddress } from "../../../../src/net/address.ts";
import { BytePacer } from "../../../../src/server/limits/byte-rate.ts";

const A = parseAddress("192.0.2.1");
const B = parseAddress("192.0.2.2");

function start(perSecond: number, burst: number) {
  let now = 5000;
  const pacer = new BytePacer({ perSecond, burst }, () => now);
  return {
    pacer,
    pass(ms: number) {
      now += ms;
    },
  };
}

describe("a client", () => {
  test("has its burst at once, then its rate", () => {
    const { pacer, pass } = start(1000, 500);
    expect(pacer.book(A, 500)).toBe(0);
    expect(pacer.book(A, 100)).toBe(100);
    expect(pacer.book(B, 500)).toBe(0);
    pass(100);
    expect(pacer.book(A, 100)).toBe(100);
    pass(10_000);
    expect(pacer.book(A, 500)).toBe(0);
  });

  test("whose answers wait gets a time of its own for each: none asks twice", () => {
    const { pacer } = start(1000, 100);
    pacer.book(A, 100);
    expect([1, 2, 3, 4].map(() => pacer.book(A, 50))).toEqual([50, 100, 150, 200]);
  });

  test("gets pieces larger than its burst, later", () => {
    const { pacer, pass } = start(1000, 10);
    expect(pacer.book(A, 110)).toBe(100);
    pass(100);
    expect(pacer.book(A, 110)).toBe(110);
  });

  test("of an IPv6 network of 64 bits is one", () => {
    const { pacer } = start(1000, 100);
    expect(pacer.book(parseAddress("2001:db8::1"), 100)).toBe(0);
    expect(pacer.book(parseAddress("2001:db8::2"), 100)).toBe(100);
    expect(pacer.book(parseAddress("2001:db8:0:1::1"), 100)).toBe(0);
  });
});

test("no client gets more than its burst and its rate, and none waits longer than that takes", () => {
  const burst = 1000;
  const perMs = 2;
  fc.assert(
    fc.property(
      fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 3000 }), passMs: fc.nat(500) }), {
        maxLength: 50,
      }),
      (steps) => {
        const { pacer, pass } = start(perMs * 1000, burst);
        /** Tokens said plainly; what is booked may make them negative. */
        let tokens = burst;
        for (const { bytes, passMs } of steps) {
          tokens -= bytes;
          expect(pacer.book(A, bytes)).toBe(Math.max(0, Math.ceil(-tokens / perMs)));
          pass(passMs);
          tokens = Math.min(burst, tokens + passMs * perMs);
        }
      },
    ),
  );
});

test.each([
  [{ perSecond: 0, burst: 1 }, "byteRate.perSecond must be a finite number above 0, got 0"],
  [
    { perSecond: 1, burst: 0.5 },
    "byteRate.burst must be an integer from 1 to 9007199254740991, got 0.5",
  ],
])("%o is a mistake", (rate, message) => {
  expect(() => new BytePacer(rate)).toThrow(new RangeError(message));
});
