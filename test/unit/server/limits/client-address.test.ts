import { describe, expect, test } from "vitest";
import { formatAddress } from "../../../../src/net/address.ts";
import {
  type ClientHeaders,
  clientAddress,
  parseTrustedProxies,
} from "../../../../src/server/limits/client-address.ts";

function address(
  headers: Record<string, string>,
  peer: string | undefined,
  trusted: readonly string[] = [],
  which?: ClientHeaders,
): string | undefined {
  const ip = clientAddress(new Headers(headers), peer, parseTrustedProxies(trusted), which);
  return ip && formatAddress(ip);
}

describe("without trusted proxies", () => {
  test("the caller is the peer, whatever the headers say", () => {
    const headers = { "X-Real-IP": "203.0.113.9", "X-Forwarded-For": "203.0.113.8" };
    expect(address(headers, "192.0.2.1")).toBe("192.0.2.1");
  });

  test("an IPv4 peer of a dual-stack socket is IPv4", () => {
    expect(address({}, "::ffff:192.0.2.1")).toBe("192.0.2.1");
  });

  test("the zone of a link-local peer means nothing elsewhere", () => {
    expect(address({}, "fe80::1%eth0")).toBe("fe80::1");
  });

  test("an unknown peer is no address", () => {
    expect(address({}, undefined)).toBeUndefined();
    expect(address({ "X-Real-IP": "203.0.113.9" }, undefined, ["0.0.0.0/0"])).toBeUndefined();
  });
});

describe("behind a trusted proxy", () => {
  const trusted = ["10.0.0.0/8", "fd00::/8"];

  test.each([
    [
      "X-Real-IP comes first",
      { "X-Real-IP": "203.0.113.9", "X-Forwarded-For": "203.0.113.8" },
      "203.0.113.9",
    ],
    [
      "else the first entry of X-Forwarded-For",
      { "X-Forwarded-For": " 203.0.113.8 , 10.0.0.7" },
      "203.0.113.8",
    ],
    ["else the peer", {}, "10.0.0.1"],
    ["IPv6", { "X-Real-IP": "2001:db8::1" }, "2001:db8::1"],
    ["a mapped address is unmapped", { "X-Real-IP": "::ffff:203.0.113.9" }, "203.0.113.9"],
    [
      "a value with a port is passed over",
      { "X-Real-IP": "203.0.113.9:80", "X-Forwarded-For": "203.0.113.8" },
      "203.0.113.8",
    ],
    ["a name is passed over", { "X-Real-IP": "unknown" }, "10.0.0.1"],
    ["brackets are passed over", { "X-Forwarded-For": "[2001:db8::1]" }, "10.0.0.1"],
    ["an empty value is passed over", { "X-Real-IP": "", "X-Forwarded-For": "" }, "10.0.0.1"],
    [
      "only the first entry counts, parsed or not",
      { "X-Forwarded-For": "x, 203.0.113.8" },
      "10.0.0.1",
    ],
  ])("%s", (_name, headers, expected) => {
    expect(address(headers, "10.0.0.1", trusted)).toBe(expected);
  });

  test.each<[ClientHeaders, string]>([
    [{}, "203.0.113.9"],
    [{ trustFirstXForwardedFor: false }, "203.0.113.9"],
    [{ trustXRealIp: false }, "203.0.113.8"],
    [{ trustXRealIp: false, trustFirstXForwardedFor: false }, "10.0.0.1"],
  ])("each header can be switched off: %o", (which, expected) => {
    const headers = { "X-Real-IP": "203.0.113.9", "X-Forwarded-For": "203.0.113.8" };
    expect(address(headers, "10.0.0.1", trusted, which)).toBe(expected);
    expect(address(headers, "192.0.2.1", trusted, which)).toBe("192.0.2.1");
  });

  test("an IPv4-mapped peer matches an IPv4 prefix", () => {
    expect(address({ "X-Real-IP": "203.0.113.9" }, "::ffff:10.0.0.1", trusted)).toBe("203.0.113.9");
  });

  test("an IPv4-mapped prefix matches an IPv4 peer", () => {
    const mapped = ["::ffff:10.0.0.0/104"];
    expect(address({ "X-Real-IP": "203.0.113.9" }, "10.0.0.1", mapped)).toBe("203.0.113.9");
    expect(address({ "X-Real-IP": "203.0.113.9" }, "11.0.0.1", mapped)).toBe("11.0.0.1");
  });

  test("a single address stands for itself", () => {
    expect(address({ "X-Real-IP": "203.0.113.9" }, "fd01::1", ["fd01::1"])).toBe("203.0.113.9");
    expect(address({ "X-Real-IP": "203.0.113.9" }, "fd01::2", ["fd01::1"])).toBe("fd01::2");
  });

  test("a peer beside the prefix is not believed", () => {
    expect(address({ "X-Real-IP": "203.0.113.9" }, "11.0.0.1", trusted)).toBe("11.0.0.1");
  });
});

test.each(["10.0.0.0/33", "10.0.0.0/", "proxy.example", "10.0.0.1:80", ""])(
  "a proxy that does not parse is an error: %j",
  (text) => {
    expect(() => parseTrustedProxies([text])).toThrow(
      expect.objectContaining({ name: "DiscoveryError" }),
    );
  },
);
