import { describe, expect, test } from "vitest";
import { hasZone, parseAddress } from "../../../src/net/address.ts";
import { scanPort } from "../../../src/net/endpoint.ts";

describe("a port", () => {
  test.each([
    ["1", 1],
    ["00080", 80],
    ["65535", 65_535],
  ])("is %s", (text, port) => {
    expect(scanPort(text)).toBe(port);
  });

  test.each(["", "0", "65536", "000080", "-1", "+1", "1.0", "1e3", " 80", "0x50", "８０"])(
    "is not %j",
    (text) => {
      expect(scanPort(text)).toBeUndefined();
    },
  );
});

test("only IPv6 addresses have zones", () => {
  expect(["10.0.0.1", "fe80::1", "fe80::1%eth0"].map(parseAddress).map(hasZone)).toEqual([
    false,
    false,
    true,
  ]);
});
