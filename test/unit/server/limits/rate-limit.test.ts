/**
 * The limiter alone, with time that moves when told to.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isDiscoveryError } from "../../../../src/errors.ts";
import { parseAddress } from "../../../../src/net/address.ts";
import {
  DEFAULT_RATE_LIMIT,
  type RateLimit,
  RateLimiter,
} from "../../../../src/server/limits/rate-limit.ts";
import type { Caller } from "../../../../src/server/rpc/caller.ts";
import { createManualClock, settled } from "../../../harness/registry/manual-clock.ts";
import { type Fate, NaiveLimiter } from "../naive-limiter.ts";

const CLIENTS = ["192.0.2.1", "192.0.2.2", "2001:db8::1"] as const;

const TOO_LATE = expect.objectContaining({
  code: "ERR_RATE_LIMITED",
  message: "rate limit exceeds request timeout",
});
const TOO_MANY_WAIT = expect.objectContaining({
  code: "ERR_RATE_LIMITED",
  message: "too many calls wait for the rate limit",
});

function start(limit: Partial<RateLimit> = {}, random = () => 0.5) {
  const clock = createManualClock();
  const { now, schedule } = clock;
  const limiter = new RateLimiter({ perSecond: 10, burst: 5, ...limit }, { now, schedule, random });
  return { clock, limiter };
}

interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

function caller(address: string | undefined, options: CallOptions = {}): Caller {
  const ip = address === undefined ? undefined : parseAddress(address);
  const { signal = new AbortController().signal } = options;
  return { signal, clientIp: () => ip, timeoutMs: () => options.timeoutMs };
}

/** Uses up all that a client has at once, and tells how much that was. */
function drain(limiter: RateLimiter, address: string): number {
  for (let calls = 0; ; calls++) {
    try {
      if (limiter.take(caller(address, { timeoutMs: 0 })) !== undefined) return -1;
    } catch (error) {
      expect(error).toEqual(TOO_LATE);
      return calls;
    }
  }
}

test("by default a client has the reference's 15 per second and a burst of 60", async () => {
  const { limiter, clock } = start(DEFAULT_RATE_LIMIT);
  expect(drain(limiter, "192.0.2.1")).toBe(60);
  await clock.advance(66);
  expect(drain(limiter, "192.0.2.1")).toBe(0);
  await clock.advance(1);
  expect(drain(limiter, "192.0.2.1")).toBe(1);
  await clock.advance(1000);
  expect(drain(limiter, "192.0.2.1")).toBe(15);
  await clock.advance(3999);
  expect(drain(limiter, "192.0.2.1")).toBe(59);
  await clock.advance(4000);
  expect(drain(limiter, "192.0.2.1")).toBe(60);
  await clock.advance(1e9);
  expect(drain(limiter, "192.0.2.1")).toBe(60);
});

test("a call that finds a token goes on without a promise", () => {
  const { limiter } = start();
  expect(limiter.take(caller("192.0.2.1"))).toBeUndefined();
});

test("nobody is limited whose address is not known", () => {
  const { limiter } = start();
  for (let i = 0; i < 100; i++) expect(limiter.take(caller(undefined))).toBeUndefined();
});

describe("who is one client", () => {
  test.each([
    ["192.0.2.1", "192.0.2.1", true],
    ["192.0.2.1", "192.0.2.2", false],
    ["192.0.2.1", "::ffff:192.0.2.1", true],
    ["2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", true],
    ["2001:db8:0:1::1", "2001:db8:0:2::1", false],
    ["2001:db8::1", "2001:db9::1", false],
    ["192.0.2.1", "::192.0.2.1", false],
    ["127.0.0.1", "0:0:7f00:1::", false],
    ["0.0.0.0", "::", false],
  ])("%s and %s: %s", (one, other, isSame) => {
    const { limiter } = start();
    expect(drain(limiter, one)).toBe(5);
    expect(drain(limiter, other)).toBe(isSame ? 0 : 5);
  });
});

describe("a call over the limit", () => {
  test("waits for its turn, in the order of arrival", async () => {
    const { limiter, clock } = start();
    drain(limiter, "192.0.2.1");
    const order: number[] = [];
    for (const i of [1, 2, 3]) {
      void limiter.take(caller("192.0.2.1"))?.then(() => order.push(i));
    }
    expect(limiter.waiting).toBe(3);
    await clock.advance(99);
    expect(order).toEqual([]);
    await clock.advance(1);
    expect(order).toEqual([1]);
    await clock.advance(100);
    expect(order).toEqual([1, 2]);
    await clock.advance(100);
    expect(order).toEqual([1, 2, 3]);
    expect(limiter.waiting).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test("does not hold up another client", () => {
    const { limiter } = start();
    drain(limiter, "192.0.2.1");
    void limiter.take(caller("192.0.2.1"));
    expect(limiter.take(caller("192.0.2.2"))).toBeUndefined();
  });

  test("comes after those who wait, also when a token is there and the timer is late", async () => {
    const { limiter, clock } = start();
    drain(limiter, "192.0.2.1");
    const order: number[] = [];
    void limiter.take(caller("192.0.2.1"))?.then(() => order.push(1));
    clock.jump(250);
    void limiter.take(caller("192.0.2.1"))?.then(() => order.push(2));
    await clock.advance(0);
    expect(order).toEqual([1, 2]);
  });

  test("has no place to free once its turn has come", async () => {
    const { limiter, clock } = start();
    drain(limiter, "192.0.2.1");
    const leaving = new AbortController();
    const turn = limiter.take(caller("192.0.2.1", { signal: leaving.signal }));
    await clock.advance(100);
    await turn;
    leaving.abort();
    expect(limiter.waiting).toBe(0);
  });

  test("is refused at once where the wait would outlast its deadline", async () => {
    const { limiter, clock } = start();
    drain(limiter, "192.0.2.1");
    expect(() => limiter.take(caller("192.0.2.1", { timeoutMs: 99 }))).toThrow(TOO_LATE);
    const turn = limiter.take(caller("192.0.2.1", { timeoutMs: 100 }));
    expect(() => limiter.take(caller("192.0.2.1", { timeoutMs: 199 }))).toThrow(TOO_LATE);
    await clock.advance(100);
    await turn;
    expect(limiter.waiting).toBe(0);
  });

  test("a refused call costs its client nothing", async () => {
    const { limiter, clock } = start();
    drain(limiter, "192.0.2.1");
    for (let i = 0; i < 1000; i++) {
      expect(() => limiter.take(caller("192.0.2.1", { timeoutMs: 1 }))).toThrow(TOO_LATE);
    }
    await clock.advance(100);
    expect(limiter.take(caller("192.0.2.1"))).toBeUndefined();
  });

  test("frees its place when its caller leaves, and those behind move up", async () => {
    const { limiter, clock } = start();
    drain(limiter, "192.0.2.1");
    const leaving = new AbortController();
    const order: string[] = [];
    const first = limiter.take(caller("192.0.2.1", { signal: leaving.signal }));
    void limiter.take(caller("192.0.2.1"))?.then(() => order.push("second"));
    await clock.advance(50);
    const reason = new Error("gone");
    leaving.abort(reason);
    await expect(first).rejects.toBe(reason);
    expect(limiter.waiting).toBe(1);
    await clock.advance(50);
    expect(order).toEqual(["second"]);
  });

  test("leaves no timer behind when all have left", async () => {
    const { limiter, clock } = start();
    drain(limiter, "192.0.2.1");
    const leaving = new AbortController();
    const turn = limiter.take(caller("192.0.2.1", { signal: leaving.signal }));
    expect(clock.pending).toBe(1);
    leaving.abort();
    await expect(turn).rejects.toThrow();
    expect(clock.pending).toBe(0);
    await clock.advance(100);
    expect(limiter.take(caller("192.0.2.1"))).toBeUndefined();
  });

  test("of a caller that has left already, fails with its reason", () => {
    const { limiter } = start();
    drain(limiter, "192.0.2.1");
    const reason = new Error("gone");
    const signal = AbortSignal.abort(reason);
    expect(() => limiter.take(caller("192.0.2.1", { signal }))).toThrow(reason);
    expect(limiter.waiting).toBe(0);
  });

  test("is refused where too many of its client wait", () => {
    const { limiter } = start({ maxWaitingPerClient: 2 });
    drain(limiter, "192.0.2.1");
    drain(limiter, "192.0.2.2");
    for (let i = 0; i < 2; i++) void limiter.take(caller("192.0.2.1"));
    expect(() => limiter.take(caller("192.0.2.1"))).toThrow(TOO_MANY_WAIT);
    expect(limiter.take(caller("192.0.2.2"))).toBeInstanceOf(Promise);
  });

  test("is refused where too many wait in all, which takes no token from others", () => {
    const { limiter } = start({ maxWaiting: 2 });
    for (const last of [1, 2, 3]) drain(limiter, `192.0.2.${last}`);
    for (const last of [1, 2]) void limiter.take(caller(`192.0.2.${last}`));
    expect(() => limiter.take(caller("192.0.2.3"))).toThrow(TOO_MANY_WAIT);
    expect(limiter.take(caller("192.0.2.4"))).toBeUndefined();
  });
});

describe("the places of those who wait", () => {
  test("are shared: a client takes an eighth of those that are free, so that another always finds some", () => {
    const { limiter } = start({ maxWaiting: 80 });
    const waitAll = (address: string) => {
      drain(limiter, address);
      for (let waiting = 0; ; waiting++) {
        try {
          void limiter.take(caller(address));
        } catch (error) {
          expect(error).toEqual(TOO_MANY_WAIT);
          return waiting;
        }
      }
    };
    expect([1, 2, 3, 4].map((last) => waitAll(`192.0.2.${last}`))).toEqual([9, 8, 7, 7]);
  });

  test("of one client are full before a call of it is read, and free again with its next token", async () => {
    const { limiter, clock } = start({ maxWaitingPerClient: 2 });
    const ip = parseAddress("192.0.2.1");
    drain(limiter, "192.0.2.1");
    expect(limiter.isFull(ip)).toBe(false);
    for (let i = 0; i < 2; i++) void limiter.take(caller("192.0.2.1"));
    expect(limiter.isFull(ip)).toBe(true);
    expect(limiter.isFull(parseAddress("192.0.2.2"))).toBe(false);
    expect(limiter.isFull(undefined)).toBe(false);
    await clock.advance(100);
    expect(limiter.isFull(ip)).toBe(false);
    void limiter.take(caller("192.0.2.1"));
    expect(limiter.isFull(ip)).toBe(true);
    limiter.open();
    expect(limiter.isFull(ip)).toBe(false);
  });
});

test("an end of the service lets all go who wait, and limits nobody any more", async () => {
  const { limiter, clock } = start();
  drain(limiter, "192.0.2.1");
  const turns = [1, 2, 3].map(() => limiter.take(caller("192.0.2.1")));
  limiter.open();
  await Promise.all(turns);
  expect(limiter.waiting).toBe(0);
  expect(clock.pending).toBe(0);
  expect(limiter.take(caller("192.0.2.1"))).toBeUndefined();
});

test.each([
  [{ perSecond: 0 }, "rateLimit.perSecond must be a finite number above 0, got 0"],
  [{ perSecond: Number.NaN }, "rateLimit.perSecond must be a finite number above 0, got NaN"],
  [
    { perSecond: Number.POSITIVE_INFINITY },
    "rateLimit.perSecond must be a finite number above 0, got Infinity",
  ],
  [{ burst: 0 }, "rateLimit.burst must be an integer from 1 to 9007199254740991, got 0"],
  [{ burst: 1.5 }, "rateLimit.burst must be an integer from 1 to 9007199254740991, got 1.5"],
  [
    { maxWaiting: -1 },
    "rateLimit.maxWaiting must be an integer from 0 to 9007199254740991, got -1",
  ],
  [
    { maxWaitingPerClient: 0.5 },
    "rateLimit.maxWaitingPerClient must be an integer from 0 to 9007199254740991, got 0.5",
  ],
  [{ maxClients: 0 }, "rateLimit.maxClients must be an integer from 1 to 16777216, got 0"],
])("%o is a mistake", (limit, message) => {
  expect(() => start(limit)).toThrow(RangeError);
  expect(() => start(limit)).toThrow(message);
});

describe("any number of clients", () => {
  /** A million addresses, each another. */
  function addressOf(i: number): Caller {
    const ip = new Uint8Array([10, i >> 16, i >> 8, i]);
    return { signal: NEVER, clientIp: () => ip, timeoutMs: () => 0 };
  }
  const NEVER = new AbortController().signal;

  test("take no memory beyond the table, and are never refused for each other", () => {
    const { limiter } = start({ maxClients: 1024 });
    const ip = new Uint8Array([10, 0, 0, 0]);
    const call: Caller = { signal: NEVER, clientIp: () => ip, timeoutMs: () => 0 };
    const before = process.memoryUsage();
    for (let i = 0; i < 1_000_000; i++) {
      ip.set([i >> 16, i >> 8, i], 1);
      if (limiter.take(call) !== undefined) throw new Error(`client ${i} waits`);
    }
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(1_000_000);
    // A map of a million clients is over 100 MB; this much is garbage not yet collected.
    expect(after.heapUsed - before.heapUsed).toBeLessThan(50_000_000);
    expect(limiter.waiting).toBe(0);
  });

  test("are forgotten from those who have used the least, so that a busy one stays limited", () => {
    const { limiter } = start({ maxClients: 64 });
    expect(drain(limiter, "192.0.2.1")).toBe(5);
    for (let i = 0; i < 100_000; i++) limiter.take(addressOf(i));
    expect(drain(limiter, "192.0.2.1")).toBe(0);
  });

  test("do not push out those who wait", async () => {
    const { limiter, clock } = start({ maxClients: 64 });
    drain(limiter, "192.0.2.1");
    const turns = [1, 2].map(() => limiter.take(caller("192.0.2.1")));
    for (let i = 0; i < 10_000; i++) {
      for (let call = 0; call < 5; call++) limiter.take(addressOf(i));
    }
    expect(() => limiter.take(caller("192.0.2.1", { timeoutMs: 299 }))).toThrow(TOO_LATE);
    await clock.advance(200);
    await Promise.all(turns);
    expect(limiter.waiting).toBe(0);
  });

  test("all of whom wait, leave newcomers unlimited rather than refused", () => {
    const { limiter } = start({ maxClients: 8 });
    for (let i = 0; i < 8; i++) {
      for (let call = 0; call < 6; call++) void limiter.take(caller(`10.0.0.${i}`));
    }
    expect(limiter.waiting).toBe(8);
    for (let call = 0; call < 100; call++) {
      expect(limiter.take(caller("192.0.2.1", { timeoutMs: 0 }))).toBeUndefined();
    }
  });
});

test("agrees with a naive twin, whatever happens", async () => {
  const client = fc.constantFrom(...CLIENTS);
  const step = fc.oneof(
    fc.record({
      kind: fc.constant("call" as const),
      client,
      timeoutMs: fc.option(fc.integer({ min: 0, max: 500 }), { nil: undefined }),
    }),
    fc.record({ kind: fc.constant("leave" as const), index: fc.nat(40) }),
    fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 300 }) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(1, 4, 20, 100),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 8 }),
      fc.array(step, { maxLength: 60 }),
      async (perSecond, burst, maxWaitingPerClient, maxWaiting, steps) => {
        const { limiter, clock } = start({ perSecond, burst, maxWaitingPerClient, maxWaiting });
        const naive = new NaiveLimiter(1000 / perSecond, burst, maxWaitingPerClient, maxWaiting);
        const fates: Fate[] = [];
        const leaving: AbortController[] = [];
        for (const each of steps) {
          if (each.kind === "call") {
            const index = fates.push("waits") - 1;
            leaving[index] = new AbortController();
            naive.call(each.client, each.timeoutMs);
            const { timeoutMs } = each;
            const options = timeoutMs === undefined ? {} : { timeoutMs };
            try {
              const turn = limiter.take(
                caller(each.client, { ...options, signal: leaving[index].signal }),
              );
              if (turn === undefined) fates[index] = "goes";
              void turn?.then(
                () => {
                  fates[index] = "goes";
                },
                () => {
                  fates[index] = "left";
                },
              );
            } catch (error) {
              if (!isDiscoveryError(error)) throw error;
              fates[index] = "refused";
            }
          } else if (each.kind === "leave") {
            naive.leave(each.index);
            leaving[each.index]?.abort();
          } else {
            naive.passMs(each.ms);
            await clock.advance(each.ms);
          }
          await settled();
          expect(fates).toEqual(naive.calls.map(({ fate }) => fate));
          for (const address of CLIENTS) {
            expect(limiter.isFull(parseAddress(address))).toBe(naive.isFull(address));
          }
        }
        expect(limiter.waiting).toBe(fates.filter((fate) => fate === "waits").length);
      },
    ),
    { numRuns: 150 },
  );
});
