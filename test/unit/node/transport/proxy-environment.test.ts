import { describe, expect, test } from "vitest";
import { parseServiceUrl } from "../../../../src/client/service-url.ts";
import { proxyFromEnvironment } from "../../../../src/node/transport/proxy-environment.ts";

function proxyOf(service: string, env: Record<string, string>): string | undefined {
  return proxyFromEnvironment(parseServiceUrl(service), env)?.host;
}

describe("the proxy of the environment", () => {
  test.each<[string, string, Record<string, string>, string | undefined]>([
    ["none", "https://a.test", {}, undefined],
    ["an empty one", "https://a.test", { HTTPS_PROXY: "" }, undefined],
    ["for TLS", "https://a.test", { HTTPS_PROXY: "http://p:1", HTTP_PROXY: "http://q:2" }, "p:1"],
    ["for TLS by another scheme", "grpc://a.test", { HTTPS_PROXY: "http://p:1" }, "p:1"],
    [
      "for plaintext",
      "http://a.test",
      { HTTPS_PROXY: "http://p:1", HTTP_PROXY: "http://q:2" },
      "q:2",
    ],
    ["in lower case", "https://a.test", { https_proxy: "http://p:1" }, "p:1"],
    ["in both", "https://a.test", { HTTPS_PROXY: "http://p:1", https_proxy: "http://q:2" }, "p:1"],
    ["without a scheme", "https://a.test", { HTTPS_PROXY: "p:1" }, "p:1"],
    ["never for localhost", "https://localhost:1", { HTTPS_PROXY: "p:1" }, undefined],
    ["never for loopback", "https://127.1.2.3", { HTTPS_PROXY: "p:1" }, undefined],
    ["never for IPv6 loopback", "https://[::1]", { HTTPS_PROXY: "p:1" }, undefined],
  ])("%s", (_, service, env, host) => {
    expect(proxyOf(service, env)).toBe(host);
  });

  test.each([
    ["*", "https://a.test", false],
    ["a.test", "https://a.test", false],
    ["a.test", "https://sub.a.test", false],
    ["a.test", "https://nota.test", true],
    ["A.Test", "https://a.test", false],
    [".a.test", "https://sub.a.test", false],
    [".a.test", "https://a.test", true],
    ["*.a.test", "https://sub.a.test", false],
    ["*.a.test", "https://a.test", true],
    ["a.test:443", "https://a.test", false],
    ["a.test:8443", "https://a.test", true],
    ["10.0.0.1", "https://10.0.0.1", false],
    ["10.0.0.1", "https://10.0.0.2", true],
    ["10.0.0.1:1", "https://10.0.0.1:1", false],
    ["10.0.0.1:1", "https://10.0.0.1:2", true],
    ["10.0.0.0/8", "https://10.1.2.3", false],
    ["10.0.0.0/8", "https://11.1.2.3", true],
    ["10.0.0.0/8", "https://a.test", true],
    ["10.0.0.0/33", "https://10.0.0.0", true],
    ["fd00::/8", "https://[fd12::1]", false],
    ["fd00::/8", "https://[fe80::1]", true],
    ["fd00::1", "https://[fd00::1]", false],
    ["[fd00::1]:443", "https://[fd00::1]", false],
    ["[fd00::1]:444", "https://[fd00::1]", true],
    ["x.test, ,a.test ", "https://a.test", false],
    [",", "https://a.test", true],
  ])("NO_PROXY=%s for %s: proxied %s", (noProxy, service, proxied) => {
    for (const name of ["NO_PROXY", "no_proxy"]) {
      expect(proxyOf(service, { HTTPS_PROXY: "p:1", [name]: noProxy }) !== undefined).toBe(proxied);
    }
  });

  test.each(["socks5://p:1", "http://", "http://user:hunter2@"])(
    "one that is none is an error that names the variable, and no password: %s",
    (proxy) => {
      expect(() => proxyOf("https://a.test", { HTTPS_PROXY: proxy })).toThrow(
        expect.objectContaining({
          code: "ERR_SERVICE_URL_INVALID",
          message: expect.stringMatching(/^HTTPS_PROXY: (?!.*hunter2)/),
        }),
      );
    },
  );
});
