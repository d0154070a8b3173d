import { expect, test } from "vitest";
import { parseAddress } from "../../../../src/net/address.ts";
import { WatchCeiling } from "../../../../src/server/limits/watch-ceiling.ts";

const ONE = parseAddress("192.0.2.1");
const OTHER = parseAddress("2001:db8::1");
const NEIGHBOUR = parseAddress("2001:db8::2");

test("a client has so many watches and no more, and others have theirs", () => {
  const ceiling = new WatchCeiling({ maxWatchesPerClient: 2 });
  const leave = ceiling.enter(OTHER);
  ceiling.enter(NEIGHBOUR);
  const tooMany = expect.objectContaining({
    code: "ERR_TOO_MANY_WATCHES",
    message: "too many watches of one client",
  });
  expect(() => ceiling.enter(OTHER)).toThrow(tooMany);
  ceiling.enter(ONE);
  leave();
  leave();
  ceiling.enter(OTHER);
  expect(() => ceiling.enter(NEIGHBOUR)).toThrow(tooMany);
});

test("all clients together have so many watches, also those whose address is not known", () => {
  const ceiling = new WatchCeiling({ maxWatches: 3, watchesSharePercent: 0 });
  ceiling.enter(ONE);
  ceiling.enter(OTHER);
  const leave = ceiling.enter(undefined);
  const tooMany = expect.objectContaining({
    code: "ERR_TOO_MANY_WATCHES",
    message: "too many watches",
  });
  expect(() => ceiling.enter(undefined)).toThrow(tooMany);
  expect(() => ceiling.enter(ONE)).toThrow(tooMany);
  leave();
  ceiling.enter(ONE);
});

test("callers whose address is not known are no client together", () => {
  const ceiling = new WatchCeiling({ maxWatchesPerClient: 1 });
  ceiling.enter(undefined);
  ceiling.enter(undefined);
});

test.each([0, -1, 1.5, Number.NaN])("%d watches are a mistake", (value) => {
  expect(() => new WatchCeiling({ maxWatches: value })).toThrow(RangeError);
  expect(() => new WatchCeiling({ maxWatchesPerClient: value })).toThrow(
    new RangeError(
      `ceilings.maxWatchesPerClient must be an integer from 1 to 9007199254740991, got ${value}`,
    ),
  );
});

test("the networks of one IPv6 /48 have half of the watches together", () => {
  const ceiling = new WatchCeiling({ maxWatches: 100 });
  const share = expect.objectContaining({ code: "ERR_WATCH_SHARE" });
  const enter = (network: number) => ceiling.enter(parseAddress(`2001:db8:1:${network}::1`));
  const leaves = Array.from({ length: 50 }, (_, network) => enter(network));
  expect(() => enter(50)).toThrow(share);
  ceiling.enter(parseAddress("2001:db8:2::1"));
  ceiling.enter(ONE);
  expect(() => enter(50)).toThrow(share);
  for (const leave of leaves) leave();
  enter(50);
});
