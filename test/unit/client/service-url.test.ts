import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRedirectEndpoint, parseServiceUrl } from "../../../src/client/service-url.ts";
import { isDiscoveryError } from "../../../src/errors.ts";

describe("a service URL", () => {
  test.each([
    ["https://discovery.talos.dev/", "https://discovery.talos.dev:443"],
    ["https://discovery.talos.dev", "https://discovery.talos.dev:443"],
    ["https://host:8443", "https://host:8443"],
    ["grpc://host", "https://host:443"],
    ["grpc://host:443", "https://host:443"],
    ["grpc://Host:3000/", "https://host:3000"],
    ["HTTP://host", "http://host:80"],
    ["http://127.0.0.1:3000", "http://127.0.0.1:3000"],
    ["http://[::1]:3000/", "http://[::1]:3000"],
    ["https://user:secret@host/some/path?query=1#part", "https://host:443"],
  ])("%s is the service at %s", (text, baseUrl) => {
    expect(parseServiceUrl(text).baseUrl).toBe(baseUrl);
    expect(parseServiceUrl(text).tls).toBe(baseUrl.startsWith("https:"));
  });

  test.each([
    ["", "expected"],
    ["host", "expected"],
    ["host:443", "expected"],
    ["//host", "expected"],
    ["https:host", "expected"],
    ["https://", "expected"],
    ["https:///path", "expected"],
    ["https://ho st", "expected"],
    [" https://host", "expected"],
    ["https://host\n", "expected"],
    ["ftp://host", "scheme"],
    ["unix:///run/socket", "expected"],
    ["https://host:0", "port"],
    ["https://host:65536", "port"],
    ["https://host:x", "port"],
    ["https://[::1", "host"],
    ["https://?query", "host"],
  ])("refused, naming what is wrong: %j", (text, why) => {
    expect(() => parseServiceUrl(text)).toThrow(
      expect.objectContaining({
        code: "ERR_SERVICE_URL_INVALID",
        message: expect.stringContaining(why),
      }),
    );
  });

  test("a password is in no error", () => {
    const error = (() => {
      try {
        return parseServiceUrl("ftp://user:hunter2@host");
      } catch (thrown) {
        return thrown as Error;
      }
    })();
    expect(JSON.stringify([(error as Error).message, (error as Error).cause])).not.toContain(
      "hunter2",
    );
  });

  test("any text gives a URL or a DiscoveryError, and a base URL gives itself", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc
            .tuple(fc.constantFrom("https://", "grpc://"), fc.string())
            .map((parts) => parts.join("")),
        ),
        (text) => {
          try {
            const { baseUrl } = parseServiceUrl(text);
            expect(parseServiceUrl(baseUrl).baseUrl).toBe(baseUrl);
          } catch (error) {
            if (!isDiscoveryError(error)) throw error;
          }
        },
      ),
    );
  });
});

describe("a redirect's target", () => {
  test.each([
    ["host:3000", "https://host:3000"],
    ["host", "https://host:443"],
    ["[fd00::1]:3000", "https://[fd00::1]:3000"],
    ["dns:///host:3000", "https://host:3000"],
  ])("%s keeps the security: %s", (endpoint, baseUrl) => {
    const tls = parseServiceUrl("grpc://from");
    expect(parseRedirectEndpoint(endpoint, tls).baseUrl).toBe(baseUrl);
  });

  test("a plaintext service redirects to plaintext", () => {
    const plain = parseServiceUrl("http://from");
    expect(parseRedirectEndpoint("host:3000", plain).baseUrl).toBe("http://host:3000");
  });
});
