import { expect, test } from "vitest";
import { parseDuration, parseListenAddress } from "../../../../src/cli/flags/flag-values.ts";

test.each([
  ["30m", 1_800_000],
  ["10s", 10_000],
  ["1h30m", 5_400_000],
  ["1.5s", 1500],
  ["250ms", 250],
  ["1m0.5s", 60_500],
  ["0", 0],
  ["0s", 0],
])("the duration %s is %d ms", (text, durationMs) => {
  expect(parseDuration(text)).toBe(durationMs);
});

test.each(["", "10", "s", "-1s", "1 s", "1d", "10sec", "1e3s", ".s", "1s2", `${"9".repeat(40)}h`])(
  "%j is no duration",
  (text) => {
    expect(() => parseDuration(text)).toThrow(RangeError);
  },
);

test.each([
  [":3000", { port: 3000 }],
  [":0", { port: 0 }],
  ["127.0.0.1:3000", { host: "127.0.0.1", port: 3000 }],
  ["localhost:65535", { host: "localhost", port: 65_535 }],
  ["[::1]:443", { host: "::1", port: 443 }],
  ["[::]:443", { host: "::", port: 443 }],
])("%s is an address to listen on", (text, address) => {
  expect(parseListenAddress(text)).toStrictEqual(address);
});

test.each(["", "3000", "::1:3000", "[]:1", ":", ":65536", "a:b", "[::1]", "a:1:2", ":-1"])(
  "%j is no address to listen on",
  (text) => {
    expect(() => parseListenAddress(text)).toThrow(RangeError);
  },
);
