import { expect, test } from "vitest";
import {
  formatSize,
  parseDuration,
  parseListenAddress,
  sizeFrom,
} from "../../../../src/cli/flags/flag-values.ts";

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
  ["65536", 65_536],
  ["64Ki", 65_536],
  ["256Mi", 268_435_456],
  ["256MiB", 268_435_456],
  ["1.5Gi", 1_610_612_736],
  ["500MB", 500_000_000],
  ["500M", 500_000_000],
  ["16kB", 16_000],
  ["16K", 16_000],
  ["1G", 1_000_000_000],
  ["7B", 7],
])("the size %s is %d bytes", (text, bytes) => {
  expect(sizeFrom(1, 2 ** 40)(text)).toBe(bytes);
});

test.each([
  "",
  "0",
  "-1",
  "Mi",
  "1 Mi",
  "1mi",
  "1Ti",
  "1e3",
  ".5Mi",
  "1.Mi",
  "0x10",
  "2Mi1",
  "9999Gi",
])("%j is no size", (text) => {
  expect(() => sizeFrom(1, 2 ** 40)(text)).toThrow(RangeError);
});

test("a size out of range is told the range", () => {
  expect(() => sizeFrom(16 * 2 ** 20, 2 ** 40)("1Mi")).toThrow(
    'invalid size "1Mi": expected 16Mi to 1024Gi, for example 500MB, 256Mi or 1Gi',
  );
});

test.each([
  [16_384, "16Ki"],
  [16_000_000, "16MB"],
  [2 ** 28, "256Mi"],
  [1_000_000_000, "1GB"],
  [2 ** 28 + 1, "268435457"],
])("%d bytes are printed as %s", (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});

test.each([0, 1, 1000, 1024, 16_384, 268_435_456, 1_000_000_000, 2 ** 40, 3 * 2 ** 20])(
  "%d bytes are the same when they are printed and read again",
  (bytes) => {
    expect(sizeFrom(0, 2 ** 40)(formatSize(bytes))).toBe(bytes);
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
