import { describe, expect, test } from "vitest";
import { checkTcp } from "../../../../src/cli/diagnose/tcp-check.ts";
import { parseServiceUrl } from "../../../../src/client/service-url.ts";
import { unusedPort } from "../../../harness/net/unused-port.ts";
import { startTestService } from "./diagnose-harness.ts";

/** Reserved for documentation: nobody answers there. RFC 5737. */
const NOBODY = "192.0.2.1";

function check(port: number, addresses: readonly string[], signal = AbortSignal.timeout(10_000)) {
  return checkTcp(parseServiceUrl(`http://localhost:${port}`), addresses, signal);
}

describe("TCP", () => {
  test("is ok where every address takes connections", async () => {
    const { port } = await startTestService();
    const { finding, value } = await check(port, ["127.0.0.1"]);
    expect(finding).toMatchObject({ status: "ok", summary: `127.0.0.1 port ${port}` });
    expect(finding.details).toMatchObject({
      attempts: [{ address: "127.0.0.1", state: "connected", error: null }],
    });
    expect(value).toEqual(["127.0.0.1"]);
  });

  test("that is refused says that nothing listens", async () => {
    const port = await unusedPort();
    const { finding, value } = await check(port, ["127.0.0.1"]);
    expect(finding).toMatchObject({
      status: "failed",
      summary: `127.0.0.1 (refused), port ${port}`,
      hint: expect.stringContaining("Nothing listens"),
      details: { attempts: [{ state: "refused", error: "ECONNREFUSED" }] },
    });
    expect(value).toBeUndefined();
  });

  test("that gets no answer says that a firewall drops it", async () => {
    // No time at all is not enough for any address.
    const { finding } = await check(3000, [NOBODY], AbortSignal.abort());
    expect(finding).toMatchObject({
      status: "failed",
      summary: `${NOBODY} (timeout), port 3000`,
      hint: expect.stringContaining("firewall"),
    });
  });

  test("without a way says that there is no route", async () => {
    // The address of no machine: connecting to it is an error at once.
    const { finding } = await check(3000, ["255.255.255.255"]);
    expect(finding.status).toBe("failed");
    expect(finding.hint).toMatch(/no route|firewall/);
  });

  test("to some of the addresses only is a warning that names the others", async () => {
    const { port } = await startTestService();
    const { finding, value } = await check(port, ["127.0.0.2", "127.0.0.1"]);
    expect(finding).toMatchObject({
      status: "warning",
      summary: `127.0.0.1 port ${port}, but not 127.0.0.2 (refused)`,
      hint: expect.stringContaining("remove the record"),
    });
    expect(value).toEqual(["127.0.0.1"]);
  });

  test("to one family of localhost is enough", async () => {
    const { port } = await startTestService();
    const { finding, value } = await check(port, ["::1", "127.0.0.1"]);
    expect(finding.status).toBe("ok");
    expect(finding.summary).toMatch(/; not ::1 \((refused|unreachable)\)$/);
    expect(value).toEqual(["127.0.0.1"]);
  });
});
