import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isNormalTarget } from "../../../src/server/request-target.ts";

const isNormal = (target: string, method = "GET") => isNormalTarget(method, target, true);

test.each([
  "/",
  "/inspect",
  "/inspect/",
  "/style.css",
  "/sidero.discovery.server.Cluster/Hello",
  "/a/b.c/d-e_f~g",
  "/...",
  "/.well-known/x",
  "/a..b/..c/d..",
  "/a;b=c",
  "/!$&'()*+,=:@",
  "/a%20b%25%C3%a9%3f%23%5b",
  '/inspect?clusterID=a/../b//%2e%2F&x=\\{|}^`"<>?;[]',
  "/inspect?clusterID=\u00e9",
  "/?",
  "/?/../x",
])("%j is in normal form", (target) => {
  expect(isNormal(target)).toBe(true);
  expect(isNormalTarget("POST", target, false)).toBe(true);
});

describe("a path that another text could stand for is not in normal form:", () => {
  const paths = [
    "",
    "inspect",
    "//x/inspect",
    "//inspect",
    "/inspect//",
    "/a//inspect",
    "/./inspect",
    "/../inspect",
    "/a/../inspect",
    "/a/..",
    "/a/.",
    "/.",
    "/..?x",
    "/a/%2e%2e/inspect",
    "/a/.%2E/inspect",
    "/%2e/inspect",
    "/a%2finspect",
    "/a%2Finspect",
    "/..%2finspect",
    "/..%5cinspect",
    "/a\\..\\inspect",
    "\\inspect",
    "/\\x/inspect",
    "/a/..;/inspect",
    "/a/..;x=1/inspect",
    "/.;/inspect",
    "/;/inspect",
    "/;x/../inspect",
    "/%69nspect",
    "/insp%65ct",
    "/%7einspect",
    "/inspect%",
    "/inspect%2",
    "/inspect%zz",
    "/inspect%00",
    "/inspect%0a",
    "/inspect%7f",
    "/inspect%u002e",
    "/in\tspect",
    "/in\nspect",
    "/inspect\r",
    "/inspect\0",
    "/inspect\u007f",
    "/inspect ",
    " /inspect",
    "/in spect",
    "/inspect#",
    "/inspect#a",
    "/inspect?clusterID=a#b",
    "/inspect?a\nb",
    "/inspect?a b",
    "/inspect?a\0",
    "/inspéct",
    "/\u00ff",
    "/\u2025/inspect",
    "/\uff0e\uff0e/inspect",
    '/"',
    "/<",
    "/|",
    "/[",
    "/{",
    "/^",
    "/`",
  ];
  test.each(paths)("%j", (path) => {
    expect(isNormal(path)).toBe(false);
    expect(isNormal(`http://service.example:80${path}`)).toBe(path === "");
  });
});

test.each([
  ["http://service.example", true],
  ["http://service.example/", true],
  ["HTTPS://Service.example:3000/inspect?x", true],
  ["http://127.0.0.1:3000/inspect", true],
  ["http://[::1]:3000/inspect", true],
  ["http://service.example?x", true],
  ["http:///inspect", false],
  ["http:/inspect", false],
  ["http:inspect", false],
  ["http:\\\\x/inspect", false],
  ["http://\\x/inspect", false],
  ["http://a@b/inspect", false],
  ["http://a:b@c/inspect", false],
  ["http://x%2f/inspect", false],
  ["http://x:port/inspect", false],
  ["http://x y/inspect", false],
  ["ftp://service.example/inspect", false],
  ["file:///inspect", false],
  ["javascript:alert(1)", false],
  ["service.example:3000", false],
])("the absolute form %j is normal: %s", (target, expected) => {
  expect(isNormal(target)).toBe(expected);
  // In HTTP/2, `:path` is a path.
  expect(isNormalTarget("GET", target, false)).toBe(false);
});

test("an asterisk is for OPTIONS", () => {
  expect(isNormal("*", "OPTIONS")).toBe(true);
  for (const method of ["GET", "POST", "HEAD", "options"])
    expect(isNormal("*", method)).toBe(false);
  for (const target of ["**", "/*x/../", "*/", "*?x"]) {
    expect(isNormal(target, "OPTIONS")).toBe(false);
  }
});

test("whatever is in normal form is the path that a URL parser gives", () => {
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("/", ".", "..", "a", "inspect", ";", "%2e", "%2f") },
    {
      weight: 2,
      arbitrary: fc.constantFrom("%25", "%5C", "\\", "?", "#", ":", "@", "//", "http://"),
    },
    fc.string({ unit: "binary", maxLength: 3 }),
  );
  let normal = 0;
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.boolean(), (pieces, isAbsolute) => {
      const path = `/${pieces.join("")}`;
      const target = isAbsolute ? `http://service.example${path}` : path;
      if (!isNormal(target)) return;
      normal += 1;
      const { pathname, hash, host } = new URL(target, "http://service.example");
      expect([pathname, hash, host]).toEqual([path.split("?")[0], "", "service.example"]);
    }),
    { numRuns: 5000 },
  );
  expect(normal).toBeGreaterThan(100);
});

test("a long hostile target is judged in time that grows with its length", () => {
  const longest = 16_384;
  const start = performance.now();
  for (const part of ["/", "/a", "%", "%2", "%25", "/.", "a.", ";", "?", "\\", "/..;", "http://"]) {
    for (const end of ["", "\\", "#"]) isNormal(`/${part.repeat(longest / part.length)}${end}`);
  }
  expect(performance.now() - start).toBeLessThan(1000);
});
