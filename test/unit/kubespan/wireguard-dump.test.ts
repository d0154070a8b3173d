import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isDiscoveryError } from "../../../src/errors.ts";
import { parseWireguardDump } from "../../../src/kubespan/wireguard-dump.ts";
import { keyNamed } from "./mesh-affiliate.ts";

const line = (...fields: readonly (string | number)[]): string => `${fields.join("\t")}\n`;
const INTERFACE = line(keyNamed("private"), keyNamed("public"), 51820, "0x20");

describe("a dump of WireGuard", () => {
  test("says who is there, and has no keys but public ones", () => {
    const status = parseWireguardDump(
      INTERFACE +
        line(
          keyNamed("a"),
          keyNamed("psk"),
          "[fd00::1]:51820",
          "10.0.0.1/32,fd00::1/128",
          1_700_000_000,
          ...[92, 180, 25],
        ) +
        line(keyNamed("b"), "(none)", "(none)", "(none)", 0, 0, 0, "off"),
    );
    expect(status).toEqual({
      publicKey: keyNamed("public"),
      listenPort: 51820,
      firewallMark: 0x20,
      peers: new Map([
        [
          keyNamed("a"),
          {
            endpoint: "[fd00::1]:51820",
            allowedIps: ["10.0.0.1/32", "fd00::1/128"],
            lastHandshakeAtMs: 1_700_000_000_000,
            receivedBytes: 92,
            sentBytes: 180,
            keepaliveSeconds: 25,
          },
        ],
        [
          keyNamed("b"),
          {
            endpoint: undefined,
            allowedIps: [],
            lastHandshakeAtMs: undefined,
            receivedBytes: 0,
            sentBytes: 0,
            keepaliveSeconds: 0,
          },
        ],
      ]),
    });
  });

  test("of an interface without a mark and peers is read", () => {
    const status = parseWireguardDump(line("(none)", "(none)", 0, "off"));
    expect(status).toMatchObject({ listenPort: 0, firewallMark: 0, peers: new Map() });
  });

  test.each([
    ["nothing", "", 1],
    ["another number of fields", line("a", "b", "c"), 1],
    ["all interfaces at once", line("wg0", "private", "public", 51820, "off"), 1],
    ["a port that is none", line("private", "public", "x", "off"), 1],
    ["a peer's line that is cut short", `${INTERFACE}${keyNamed("a")}\tsecret`, 2],
    ["a number that is none", INTERFACE + line("a", "secret", "e", "i", "x", 0, 0, 0), 2],
  ])("that is none is refused by its line, and nothing of it repeated: %s", (_, text, number) => {
    expect(() => parseWireguardDump(text)).toThrow(
      expect.objectContaining({
        code: "ERR_WIREGUARD_DUMP_INVALID",
        message: expect.stringMatching(
          new RegExp(
            `^wg show dump, line ${number}: (\\d+ fields instead of \\d+|a field is no number)$`,
          ),
        ),
      }),
    );
  });

  test("of any text is a status or that error", () => {
    const fields = fc.array(fc.oneof(fc.string(), fc.nat().map(String), fc.constant("off")), {
      minLength: 4,
      maxLength: 8,
    });
    fc.assert(
      fc.property(fc.array(fields), (lines) => {
        try {
          parseWireguardDump(lines.map((fields) => line(...fields)).join(""));
        } catch (error) {
          expect(isDiscoveryError(error) && error.code).toBe("ERR_WIREGUARD_DUMP_INVALID");
        }
      }),
    );
  });
});
