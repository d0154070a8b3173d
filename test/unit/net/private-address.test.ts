import { expect, test } from "vitest";
import { isPrivateAddress } from "../../../src/net/private-address.ts";

test.each([
  ...["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "169.254.1.1"],
  ...["127.0.0.1", "::1", "fd00::1", "fe80::1", "fe80::1%eth0", "::ffff:10.0.0.1"],
])("%s is private", (text) => {
  expect(isPrivateAddress(text)).toBe(true);
});

test.each([
  ...["9.255.255.255", "172.32.0.1", "100.128.0.1", "1.1.1.1", "2001:db8::1", "::ffff:1.1.1.1"],
  ...["::", "", "localhost", "10.0.0.1:80"],
])("%j is not", (text) => {
  expect(isPrivateAddress(text)).toBe(false);
});
