import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { defaultUploadRate, UploadLimit } from "../../../../src/node/http/upload-limit.ts";
import type { ByteRate } from "../../../../src/server/limits/byte-rate.ts";

/** A connection that the test lets send. */
interface Sender {
  readonly ip: Uint8Array | undefined;
  readBytes: number;
}

const LOOK_MS = 250;
const TICK_MS = 25;
const KB = 1000;
const OFFICE = Uint8Array.of(192, 0, 2, 1);
const HOME = Uint8Array.of(198, 51, 100, 1);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const RATE = { perSecond: 1000 * KB, burst: 2000 * KB };

function createLimit(rate: ByteRate = RATE) {
  const over: Sender[] = [];
  let blockedMs = 0;
  const limit = new UploadLimit<Sender>(
    rate,
    (connection) => over.push(connection),
    () => performance.now() + blockedMs,
  );
  /** Lets the timer of the next tick be late. */
  const block = (ms: number): void => {
    blockedMs += ms;
    vi.advanceTimersByTime(TICK_MS);
  };
  const connect = (ip: Uint8Array | undefined): Sender => {
    const connection = { ip, readBytes: 0 };
    limit.add(connection);
    return connection;
  };
  return { limit, over, connect, block };
}

/** Lets each send so much at each look. */
function send(connections: readonly Sender[], bytes: number, looks: number): void {
  for (let look = 0; look < looks; look++) {
    for (const connection of connections) connection.readBytes += bytes;
    vi.advanceTimersByTime(LOOK_MS);
  }
}

test("a connection that sends more than the rate and the burst is over the limit", () => {
  const { over, connect } = createLimit();
  const flood = connect(HOME);
  send([flood], 500 * KB, 5);
  expect(over).toEqual([]);
  send([flood], 1000 * KB, 2);
  expect(over).toContain(flood);
});

test("what a client sends on many connections counts together, and not what others send", () => {
  const { over, connect } = createLimit();
  const many = Array.from({ length: 10 }, () => connect(HOME));
  const other = connect(OFFICE);
  send([...many, other], 200 * KB, 2);
  expect(over.length).toBeGreaterThan(0);
  expect(over).not.toContain(other);
});

test("quiet connections stay, whatever others of their client send", () => {
  const { over, connect } = createLimit();
  const flood = connect(HOME);
  const node = connect(HOME);
  for (let look = 0; look < 20; look++) {
    flood.readBytes += 2000 * KB;
    node.readBytes += 4 * KB;
    vi.advanceTimersByTime(LOOK_MS);
  }
  expect(new Set(over)).toEqual(new Set([flood]));
});

test("a busy event loop is looked into at once", () => {
  const { over, connect, block } = createLimit();
  const flood = connect(HOME);
  flood.readBytes += 4000 * KB;
  vi.advanceTimersByTime(TICK_MS);
  expect(over).toEqual([]);
  block(TICK_MS);
  expect(over).toEqual([flood]);
});

test("a look that takes long itself is not followed by another at once", () => {
  let clock = 0;
  let looks = 0;
  const limit = new UploadLimit<Sender>(
    RATE,
    () => {},
    () => clock,
  );
  limit.add({
    ip: HOME,
    get readBytes() {
      looks += 1;
      clock += 4 * TICK_MS;
      return 0;
    },
  });
  looks = 0;
  clock += 2 * TICK_MS;
  vi.advanceTimersByTime(TICK_MS);
  clock += TICK_MS;
  vi.advanceTimersByTime(TICK_MS);
  expect(looks).toBe(1);
});

test("in a busy event loop quiet connections stay, and others still count", () => {
  const { over, connect, block } = createLimit({ perSecond: KB, burst: 20 * KB });
  const node = connect(HOME);
  const flood = connect(OFFICE);
  for (let look = 0; look < 20; look++) {
    for (let turn = 0; turn < 4; turn++) {
      node.readBytes += KB;
      flood.readBytes += 2 * KB;
      block(TICK_MS);
    }
    vi.advanceTimersByTime(LOOK_MS);
  }
  expect(new Set(over)).toEqual(new Set([flood]));
});

test("a client over its limit takes no new connections until it has waited", () => {
  const { limit, connect } = createLimit();
  const flood = connect(HOME);
  send([flood], 4000 * KB, 1);
  expect(limit.isOver(flood)).toBe(true);
  expect(limit.isOver({ ip: OFFICE, readBytes: 0 })).toBe(false);
  // 2 MB are owed.
  vi.advanceTimersByTime(2500);
  expect(limit.isOver(flood)).toBe(false);
});

test("what a connection sends before it closes counts", () => {
  const { limit, connect } = createLimit();
  for (let i = 0; i < 3; i++) {
    const short = connect(HOME);
    expect(limit.isOver(short)).toBe(false);
    short.readBytes += 900 * KB;
    limit.delete(short);
  }
  expect(limit.isOver({ ip: HOME, readBytes: 0 })).toBe(true);
});

test("connections that are closed for floods count, whatever they have sent", () => {
  const { limit, connect } = createLimit();
  const flood = connect(HOME);
  let closed = 0;
  while (!limit.isOver(flood)) {
    limit.flooded(flood);
    closed += 1;
  }
  expect(closed).toBe(8);
  expect(limit.isOver({ ip: OFFICE, readBytes: 0 })).toBe(false);
});

test("unknown peers have no limit", () => {
  const { limit, over, connect } = createLimit();
  const unknown = connect(undefined);
  send([unknown], 10_000 * KB, 3);
  expect(over).toEqual([]);
  expect(limit.isOver(unknown)).toBe(false);
});

test("it looks at connections only while there are some", () => {
  const { limit, connect } = createLimit();
  const first = connect(HOME);
  const second = connect(HOME);
  expect(vi.getTimerCount()).toBe(1);
  limit.delete(first);
  expect(vi.getTimerCount()).toBe(1);
  limit.delete(second);
  expect(vi.getTimerCount()).toBe(0);
});

test("by default it is three times what calls of the largest size take", () => {
  const largest = { maxRequestBytes: 16_000, maxHeaderBytes: 16_000 };
  expect(defaultUploadRate({ perSecond: 15, burst: 60 }, largest)).toEqual({
    perSecond: 1_440_000,
    burst: 5_760_000,
  });
  expect(defaultUploadRate(false, largest)).toBe(false);
});
