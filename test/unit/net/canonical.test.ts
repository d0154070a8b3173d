import { expect, test } from "vitest";
import {
  canonicalAddress,
  canonicalEndpoint,
  canonicalPrefix,
} from "../../../src/net/canonical.ts";
import { hostPort } from "../../../src/net/host-port.ts";

test("equal addresses are equal text", () => {
  expect(canonicalAddress("FD00:0::1")).toBe("fd00::1");
  expect(canonicalPrefix("FD00:0::/8")).toBe("fd00::/8");
  expect(canonicalEndpoint("[FD00::1]:051820")).toBe("[fd00::1]:51820");
});

test("only IPv6 addresses stand in brackets before a port", () => {
  expect(["fd00::1", "10.0.0.1", "name.example"].map((host) => hostPort(host, 443))).toEqual([
    "[fd00::1]:443",
    "10.0.0.1:443",
    "name.example:443",
  ]);
});
