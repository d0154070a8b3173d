import { createServer, type ServerHttp2Stream } from "node:http2";
import { describe, expect, test } from "vitest";
import { checkClock } from "../../../../src/cli/diagnose/clock-check.ts";
import { TLS } from "../../../harness/service/test-service.ts";
import { diagnoseCheck, listen, routeTo, speaking, startTestService } from "./diagnose-harness.ts";

/** A clock of ours that is wrong by some time. */
function wrongBy(ms: number): { now: () => number } {
  return { now: () => Date.now() + ms };
}

describe("the clock", () => {
  test.each([false, true])("that agrees with the service's is ok, TLS %s", async (tls) => {
    const { url } = await startTestService(tls ? { tls: TLS } : {});
    const check = await diagnoseCheck("clock", url);
    expect(check).toMatchObject({ status: "ok", summary: expect.stringContaining("agrees") });
    expect(Math.abs(Number(check.details?.offsetMs))).toBeLessThan(10_000);
  });

  test.each([
    [60_000, /^(59|60|61) s ahead of the service's$/],
    [-3_600_000, /^60 min behind the service's$/],
    [5 * 3_600_000, /^5 h ahead of the service's$/],
    [-72 * 3_600_000, /^3 days behind the service's$/],
  ])("that is wrong by %i ms is a warning", async (ms, summary) => {
    const { url } = await startTestService();
    expect(await diagnoseCheck("clock", url, wrongBy(ms))).toMatchObject({
      status: "warning",
      summary: expect.stringMatching(summary),
      hint: expect.stringContaining("NTP"),
    });
  });

  test("of a service that tells no time is unknown, and no failure", async () => {
    const server = createServer();
    server.on("stream", (stream: ServerHttp2Stream) => {
      stream.on("error", () => {});
      stream.respond({ ":status": 404, date: "yesterday" }, { endStream: true });
    });
    const url = `http://127.0.0.1:${await listen(server)}`;
    expect(await diagnoseCheck("clock", url)).toMatchObject({
      status: "unknown",
      summary: "the service does not tell the time",
    });
  });

  test("of a service that stops speaking HTTP/2 is unknown, and no failure", async () => {
    const route = routeTo(`http://127.0.0.1:${await listen(speaking("no more of this"))}`);
    const { finding } = await checkClock(route, {}, new AbortController().signal);
    expect(finding.status).toBe("unknown");
  });
});
