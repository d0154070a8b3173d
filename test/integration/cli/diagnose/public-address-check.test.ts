import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { checkPublicAddress } from "../../../../src/cli/diagnose/hello-check.ts";
import { parseAddress } from "../../../../src/net/address.ts";
import { HelloResponseSchema } from "../../../../src/protocol/index.ts";
import { diagnoseCheck, startTestService } from "./diagnose-harness.ts";

function check(reported: string, { service = "203.0.113.1", own = [] as string[] } = {}) {
  const clientIp = reported === "" ? new Uint8Array() : parseAddress(reported);
  return checkPublicAddress(
    create(HelloResponseSchema, { clientIp }),
    { addresses: [service], proxy: undefined },
    own,
  ).finding;
}

describe("the public address", () => {
  test("is told as the service sees it", async () => {
    const { url } = await startTestService();
    expect(await diagnoseCheck("public-address", url)).toMatchObject({
      status: "ok",
      summary: "127.0.0.1, an address of this machine",
      details: { address: "127.0.0.1", own: true },
    });
  });

  test("that the service does not report is unknown", async () => {
    const { url } = await startTestService({ reportClientIp: false });
    expect(await diagnoseCheck("public-address", url)).toMatchObject({
      status: "unknown",
      summary: "the service does not report it",
    });
  });

  test.each([
    ["of NAT", "198.51.100.7", "not an address of this machine: NAT or a proxy"],
    ["of IPv4 in IPv6", "::ffff:198.51.100.7", "198.51.100.7, not an address"],
    ["in a private network", "10.0.0.7", "10.0.0.7, not an address"],
  ])("%s is ok", (_what, reported, summary) => {
    const finding = check(reported, {
      service: reported === "10.0.0.7" ? "10.0.0.1" : "203.0.113.1",
    });
    expect(finding).toMatchObject({ status: "ok", summary: expect.stringContaining(summary) });
  });

  test.each(["10.0.0.7", "172.20.1.1", "192.168.1.1", "100.64.0.1", "fd00::1", "fe80::1"])(
    "%s of a service at a public address is a proxy's",
    (reported) => {
      expect(check(reported)).toMatchObject({
        status: "warning",
        summary: expect.stringContaining(
          "a private address, though the service is at a public one",
        ),
        hint: expect.stringContaining("--trusted-proxies"),
      });
    },
  );

  test("that is the service's own is a proxy's on its machine", () => {
    expect(check("203.0.113.1")).toMatchObject({
      status: "warning",
      summary: expect.stringContaining("the service's own address"),
    });
    expect(check("10.0.0.1", { service: "10.0.0.1", own: ["10.0.0.1"] }).status).toBe("ok");
  });

  test("with a zone shows nothing that moves the cursor", () => {
    expect(JSON.stringify(check("fe80::1%\u009b2J"))).toContain("fe80::1%\\\\u009b2J");
  });

  test("that is none is a warning", () => {
    const clientIp = new Uint8Array(5);
    const { finding } = checkPublicAddress(create(HelloResponseSchema, { clientIp }), {
      addresses: [],
      proxy: undefined,
    });
    expect(finding).toMatchObject({ status: "warning", summary: "IP address of 5 bytes" });
  });
});
