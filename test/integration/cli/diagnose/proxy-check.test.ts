import { describe, expect, onTestFinished, test } from "vitest";
import { startConnectProxy } from "../../../harness/net/connect-proxy.ts";
import { unusedPort } from "../../../harness/net/unused-port.ts";
import { TLS } from "../../../harness/service/test-service.ts";
import { checkOf, diagnose, diagnoseCheck, startTestService } from "./diagnose-harness.ts";

/** A name that no proxy variable leaves out, and that needs no DNS here. */
const FAR = "https://discovery.invalid";

async function startProxy(...options: Parameters<typeof startConnectProxy>) {
  const proxy = await startConnectProxy(...options);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  return { ...proxy, url: `http://user:hunter2@127.0.0.1:${proxy.port}` };
}

describe("a proxy", () => {
  test("that is not named is none", async () => {
    const { url } = await startTestService();
    expect(await diagnoseCheck("proxy", url)).toMatchObject({
      status: "ok",
      summary: "none: HTTP_PROXY is not set",
      details: { proxy: null },
    });
  });

  test("does not count for loopback, and it says so", async () => {
    const { url } = await startTestService();
    const env = { HTTP_PROXY: "http://127.0.0.1:1" };
    expect(await diagnoseCheck("proxy", url, { env })).toMatchObject({
      status: "ok",
      summary: expect.stringContaining("none: HTTP_PROXY does not count"),
    });
  });

  test("that connects is ok, and the rest goes through it", async () => {
    const { port } = await startTestService({ tls: TLS });
    const proxy = await startProxy();
    // Loopback under a spelling that no rule knows, and that is no name for TLS.
    const diagnosis = await diagnose(`http://0.0.0.0:${(await startTestService()).port}`, {
      env: { HTTP_PROXY: proxy.url },
    });
    expect(checkOf(diagnosis, "proxy")).toMatchObject({
      status: "ok",
      summary: expect.stringContaining(`http://127.0.0.1:${proxy.port} (HTTP_PROXY) connects to`),
      details: { httpStatus: 200 },
    });
    expect(checkOf(diagnosis, "dns")).toMatchObject({
      status: "skipped",
      summary: "the proxy resolves the name",
    });
    expect(checkOf(diagnosis, "tcp").summary).toBe("the proxy connects");
    expect(checkOf(diagnosis, "hello").status).toBe("ok");
    expect(checkOf(diagnosis, "public-address")).toMatchObject({
      summary: "127.0.0.1, of the proxy or its network",
    });
    expect(checkOf(diagnosis, "clock").status).toBe("ok");
    expect(new Set(proxy.requests.map(({ target }) => target)).size).toBe(1);
    const secure = await diagnose(`https://0.0.0.0:${port}`, { env: { HTTPS_PROXY: proxy.url } });
    // The certificate is for other names: TLS goes through the proxy too.
    expect(checkOf(secure, "tls").details).toMatchObject({ problems: ["wrong-name"] });
  });

  test.each([
    ["407 Proxy Authentication Required", 407, "user and password"],
    ["403 Forbidden", 403, "allow CONNECT to discovery.invalid:443, or add discovery.invalid to"],
    ["502 Bad Gateway", 502, "cannot reach discovery.invalid:443"],
    ["404 Not Found", 404, "an HTTP proxy that knows CONNECT"],
  ])("that answers %s says what to do", async (status, httpStatus, hint) => {
    const proxy = await startProxy({ status });
    const check = await diagnoseCheck("proxy", FAR, { env: { https_proxy: proxy.url } });
    expect(check).toMatchObject({
      status: "failed",
      summary: expect.stringContaining(`answered ${status}`),
      hint: expect.stringContaining(hint),
      details: { httpStatus, variable: "https_proxy", proxy: `http://127.0.0.1:${proxy.port}` },
    });
    expect(JSON.stringify(check)).not.toContain("hunter2");
  });

  test("that is not there is named", async () => {
    const env = { HTTPS_PROXY: `http://127.0.0.1:${await unusedPort()}` };
    expect(await diagnoseCheck("proxy", FAR, { env })).toMatchObject({
      status: "failed",
      summary: expect.stringContaining("ECONNREFUSED"),
      hint: expect.stringContaining("Is the proxy running"),
    });
  });

  test("whose name does not resolve is told apart", async () => {
    const env = { HTTPS_PROXY: "http://proxy.invalid:3128" };
    expect(await diagnoseCheck("proxy", FAR, { env })).toMatchObject({
      status: "failed",
      hint: expect.stringContaining("own name does not resolve"),
    });
  });

  test("that says nothing is not waited for", async () => {
    const proxy = await startProxy({ silent: true });
    const env = { HTTPS_PROXY: proxy.url };
    expect(await diagnoseCheck("proxy", FAR, { env, timeoutMs: 50 })).toMatchObject({
      status: "failed",
      summary: "HTTPS_PROXY: no answer within 0.05 s",
    });
  });

  test("with a URL that is none is an error that names the variable", async () => {
    const env = { HTTPS_PROXY: "socks5://user:hunter2@127.0.0.1" };
    const check = await diagnoseCheck("proxy", FAR, { env });
    expect(check).toMatchObject({
      status: "failed",
      summary: "HTTPS_PROXY: expected http://host:port or https://host:port",
      hint: "Correct the variable HTTPS_PROXY, or unset it.",
    });
  });
});
