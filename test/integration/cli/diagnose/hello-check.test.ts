/** What a service says to `Hello`, and what stands in its place. */
import { createServer, type ServerHttp2Stream } from "node:http2";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { checkHello, checkRoundTrip } from "../../../../src/cli/diagnose/hello-check.ts";
import {
  CLUSTER_ID,
  checkOf,
  diagnose,
  diagnoseCheck,
  listen,
  openClient,
  startSilentHttp2,
  startTestService,
} from "./diagnose-harness.ts";

/** Answers every request with one HTTP status and a page. */
async function startWebServer(status: number, contentType = "text/html"): Promise<string> {
  const server = createServer();
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    stream.respond({ ":status": status, "content-type": contentType });
    stream.end("<html>\u001b[31mno</html>");
  });
  return `http://127.0.0.1:${await listen(server)}`;
}

describe("Hello", () => {
  test("is ok where a service answers", async () => {
    const { url } = await startTestService();
    expect(await diagnoseCheck("hello", url)).toMatchObject({
      status: "ok",
      summary: "answered",
      details: { code: "OK" },
    });
  });

  test("of a cluster that is not on the list says who can help", async () => {
    const { url } = await startTestService({ allowCluster: () => false });
    expect(await diagnoseCheck("hello", url)).toMatchObject({
      status: "failed",
      summary: expect.stringContaining("PermissionDenied: "),
      hint: expect.stringContaining("--cluster-allow-list"),
      details: { code: "PermissionDenied" },
    });
  });

  test("of a made-up cluster that is not on the list is only a warning", async () => {
    const { url } = await startTestService({ allowCluster: (id) => id === CLUSTER_ID });
    const diagnosis = await diagnose(url, { clusterId: undefined });
    expect(diagnosis.status).toBe("warning");
    expect(checkOf(diagnosis, "hello")).toMatchObject({
      status: "warning",
      hint: expect.stringContaining("--cluster-id"),
    });
  });

  test("to a service that limits calls says so", async () => {
    const { url } = await startTestService({ rateLimit: { perSecond: 0.001, burst: 1 } });
    await diagnose(url);
    expect(await diagnoseCheck("hello", url)).toMatchObject({
      status: "failed",
      summary: "ResourceExhausted: rate limit exceeds request timeout",
      hint: expect.stringContaining("--rate-limit"),
    });
  });

  test("with an ID that is too long is the service's own message", async () => {
    const { url } = await startTestService();
    expect(await diagnoseCheck("hello", url, { clusterId: "x".repeat(300) })).toMatchObject({
      status: "failed",
      summary: "InvalidArgument: cluster ID is too long",
      hint: expect.stringContaining("cluster's ID"),
    });
  });

  test.each([
    [200, "Unknown: unsupported content type text/html", "A web server answers"],
    [404, "HTTP 404", "A web server answers"],
    [403, "HTTP 403", "without a login"],
    [429, "HTTP 429", "limits calls"],
    [502, "HTTP 502", "no service behind it"],
    [503, "HTTP 503", "no service behind it"],
  ])("that is answered with HTTP %i is explained", async (status, summary, hint) => {
    expect(await diagnoseCheck("hello", await startWebServer(status))).toMatchObject({
      status: "failed",
      summary: expect.stringContaining(summary),
      hint: expect.stringContaining(hint),
    });
  });

  test("of a service that is stopping says to try again", async () => {
    const server = createServer();
    server.on("stream", (stream: ServerHttp2Stream) => {
      stream.respond(
        { ":status": 200, "content-type": "application/grpc", "grpc-status": "14" },
        { endStream: true },
      );
    });
    expect(await diagnoseCheck("hello", `http://127.0.0.1:${await listen(server)}`)).toMatchObject({
      status: "failed",
      summary: "Unavailable: no message",
      hint: expect.stringContaining("stopping or overloaded"),
    });
  });

  test("to another gRPC service says that it is another", async () => {
    const server = createServer();
    server.on("stream", (stream: ServerHttp2Stream) => {
      stream.respond(
        {
          ":status": 200,
          "content-type": "application/grpc",
          "grpc-status": "12",
          "grpc-message": "unknown service\u0020%1B%5B2J",
        },
        { endStream: true },
      );
    });
    const check = await diagnoseCheck("hello", `http://127.0.0.1:${await listen(server)}`);
    expect(check).toMatchObject({
      status: "failed",
      summary: "Unimplemented: unknown service \\u001b[2J",
      hint: expect.stringContaining("no discovery service"),
    });
  });

  test("that is never answered ends in time", async () => {
    const client = openClient(await startSilentHttp2());
    const options = { clusterId: CLUSTER_ID, timeoutMs: 10_000 };
    const { finding } = await checkHello(client, options, AbortSignal.timeout(50));
    expect(finding).toMatchObject({
      status: "failed",
      summary: expect.stringContaining("DeadlineExceeded: "),
      hint: expect.stringContaining("does not answer"),
    });
  });
});

describe("the round trip", () => {
  test("is the median of a few calls", async () => {
    const { url } = await startTestService();
    const check = await diagnoseCheck("round-trip", url);
    expect(check.status).toBe("ok");
    const { count, medianMs, minMs, maxMs } = check.details as Record<string, number>;
    expect(count).toBe(5);
    expect(minMs).toBeLessThanOrEqual(medianMs ?? 0);
    expect(medianMs).toBeLessThanOrEqual(maxMs ?? 0);
  });

  test("above a second is a warning", async () => {
    const { url } = await startTestService();
    let timeMs = 0;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => {
      timeMs += 1500;
      return timeMs;
    });
    onTestFinished(() => clock.mockRestore());
    const { finding } = await checkRoundTrip(
      openClient(url),
      { clusterId: CLUSTER_ID, timeoutMs: 10_000 },
      AbortSignal.timeout(10_000),
    );
    expect(finding).toMatchObject({
      status: "warning",
      summary: expect.stringMatching(/^median \d+ ms of 5 calls/),
      hint: expect.stringContaining("The way is long"),
    });
  });

  test("that is cut short by the rate limit says so", async () => {
    const { url } = await startTestService({ rateLimit: { perSecond: 0.001, burst: 3 } });
    const diagnosis = await diagnose(url);
    expect(checkOf(diagnosis, "round-trip")).toMatchObject({
      status: "failed",
      hint: expect.stringContaining("--rate-limit"),
    });
  });
});
