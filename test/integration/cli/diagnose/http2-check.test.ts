/** Who else may be met where a service is looked for. */
import { createServer as createHttp1Server } from "node:http";
import { createServer as createHttps1Server } from "node:https";
import { createServer as createTlsServer } from "node:tls";
import { describe, expect, test } from "vitest";
import { checkHttp2 } from "../../../../src/cli/diagnose/http2-check.ts";
import { TLS } from "../../../harness/service/test-service.ts";
import {
  diagnose,
  diagnoseCheck,
  listen,
  routeTo,
  speaking,
  startTestService,
} from "./diagnose-harness.ts";

const PAGE = `<html><head><title>Welcome\u001b[2J to\nnginx!</title></head>${"<p>x</p>".repeat(50_000)}`;

function webServer(server: string) {
  return (_request: unknown, response: import("node:http").ServerResponse) => {
    response.writeHead(200, { Server: server, "Content-Type": "text/html" }).end(PAGE);
  };
}

function at(port: number, scheme = "http"): string {
  return `${scheme}://127.0.0.1:${port}`;
}

describe("HTTP/2", () => {
  test("is ok in plaintext, with prior knowledge", async () => {
    const { url } = await startTestService();
    expect(await diagnoseCheck("http2", url)).toMatchObject({
      status: "ok",
      summary: "HTTP/2 in plaintext, with prior knowledge",
    });
  });

  test("is ok in TLS, by ALPN", async () => {
    const { url } = await startTestService({ tls: TLS });
    expect(await diagnoseCheck("http2", url)).toMatchObject({
      status: "ok",
      summary: "HTTP/2 by ALPN",
      details: { alpn: "h2" },
    });
  });

  test("without ALPN in TLS is not enough for gRPC", async () => {
    const settings = new Uint8Array([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    const port = await listen(createTlsServer(TLS, (socket) => void socket.write(settings)));
    expect(await diagnoseCheck("http2", at(port, "https"))).toMatchObject({
      status: "failed",
      summary: "HTTP/2, but the server does not offer it in TLS (ALPN)",
      hint: expect.stringContaining("offer h2"),
      details: { alpn: null },
    });
  });

  test.each([
    ["nginx/1.29.0", "grpc_pass"],
    ["cloudflare", "switch gRPC on"],
    ["awselb/2.0", "protocol version gRPC"],
    ["Apache/2.4", "mod_proxy_http2"],
    ["somebody", "pass HTTP/2 on (gRPC)"],
  ])("is not spoken by a web server such as %s, which is told apart", async (server, hint) => {
    const port = await listen(createHttp1Server(webServer(server)));
    const check = await diagnoseCheck("http2", at(port));
    expect(check).toMatchObject({
      status: "failed",
      summary: `only HTTP/1.1 of ${server}: HTTP/1.1 200 OK, a web page: "Welcome\\u001b[2J to nginx!"`,
      hint: expect.stringContaining(hint),
      details: { server, contentType: "text/html", statusLine: "HTTP/1.1 200 OK" },
    });
  });

  test("is not spoken by a web server with TLS that offers HTTP/1.1 alone", async () => {
    const port = await listen(
      createHttps1Server({ ...TLS, ALPNProtocols: ["http/1.1"] }, webServer("nginx")),
    );
    const diagnosis = await diagnose(at(port, "https"));
    const check = diagnosis.hops[0]?.checks[5];
    expect(check).toMatchObject({
      name: "http2",
      status: "failed",
      summary: expect.stringContaining("only HTTP/1.1 of nginx"),
      details: { alpn: "http/1.1" },
    });
    expect(diagnosis.hops[0]?.checks[6]).toMatchObject({ blockedBy: "http2" });
  });

  test("in plaintext to a service with TLS says how to write the URL", async () => {
    const { port } = await startTestService({ tls: TLS });
    expect(await diagnoseCheck("http2", at(port))).toMatchObject({
      status: "failed",
      summary: "the server speaks TLS here",
      hint: `Write https://127.0.0.1:${port}.`,
    });
  });

  test.each([
    [
      "as Go servers say it",
      "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
    ],
    ["as TLS itself says it", new Uint8Array([0x15, 3, 1, 0, 2, 2, 70])],
  ])("in plaintext to TLS is understood %s", async (_how, bytes) => {
    const port = await listen(speaking(bytes, { ends: true }));
    expect(await diagnoseCheck("http2", at(port))).toMatchObject({
      summary: "the server speaks TLS here",
    });
  });

  test("is not what another service says, which is shown, safe for a terminal", async () => {
    const port = await listen(speaking("SSH-2.0-OpenSSH_10\u001b]0;owned\u0007\r\n"));
    const check = await diagnoseCheck("http2", at(port));
    expect(check).toMatchObject({
      status: "failed",
      summary: 'no HTTP: "SSH-2.0-OpenSSH_10\\u001b]0;owned\\u0007"',
      hint: expect.stringContaining("another service"),
    });
  });

  test("is not a flood of bytes, of which little is shown", async () => {
    const port = await listen(speaking("x".repeat(1_000_000), { ends: true }));
    const { summary } = await diagnoseCheck("http2", at(port));
    expect(summary.length).toBeLessThan(100);
  });

  test("is not spoken by who hangs up", async () => {
    const port = await listen(speaking("", { ends: true }));
    expect(await diagnoseCheck("http2", at(port))).toMatchObject({
      status: "failed",
      summary: "the server closed the connection without a word",
      hint: expect.stringContaining("known protocols"),
    });
  });

  test("is not spoken by who says nothing", async () => {
    const port = await listen(speaking(""));
    const { finding, value } = await checkHttp2(routeTo(at(port)), AbortSignal.timeout(50));
    expect(finding).toMatchObject({
      status: "failed",
      summary: expect.stringContaining("the server says nothing: "),
      hint: expect.stringContaining("stuck"),
    });
    expect(value).toBeUndefined();
  });
});
