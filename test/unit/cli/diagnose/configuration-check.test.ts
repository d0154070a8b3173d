import { describe, expect, test } from "vitest";
import { checkConfiguration } from "../../../../src/cli/diagnose/configuration-check.ts";

describe("a service URL", () => {
  test.each([
    ["https://discovery.example/", "discovery.example port 443, TLS"],
    ["grpc://discovery.example:8443", "discovery.example port 8443, TLS"],
    ["http://[fd00::1]:3000", "[fd00::1] port 3000, plaintext"],
  ])("%s is ok", (url, summary) => {
    const { finding, value } = checkConfiguration(url);
    expect(finding).toMatchObject({ status: "ok", summary });
    expect(value).toBeDefined();
  });

  test.each([
    ["https://discovery.example/path?q=1", "/path?q=1 is ignored", "Leave the path away"],
    ["http://discovery.example:443", "443 is usually TLS", "Write https://"],
    ["https://discovery.example:80", "80 is usually plaintext", "Write http://"],
  ])("%s is probably not what is meant", (url, what, hint) => {
    const { finding, value } = checkConfiguration(url);
    expect(finding).toMatchObject({
      status: "warning",
      summary: expect.stringContaining(what),
      hint: expect.stringContaining(hint),
    });
    expect(value).toBeDefined();
  });

  test.each(["discovery.example", "ftp://discovery.example", "https://:443", "https://a:0"])(
    "%s is no service",
    (url) => {
      const { finding, value } = checkConfiguration(url);
      expect(finding).toMatchObject({
        status: "failed",
        summary: expect.stringContaining("service URL"),
        hint: expect.stringContaining("https://discovery.example/"),
      });
      expect(value).toBeUndefined();
    },
  );

  test("with a password is shown without it", () => {
    const { finding } = checkConfiguration("ftp://user:hunter2@discovery.example");
    expect(JSON.stringify(finding)).not.toContain("hunter2");
    const { finding: known } = checkConfiguration("https://user:hunter2@discovery.example/x");
    expect(JSON.stringify(known)).not.toContain("hunter2");
  });
});
