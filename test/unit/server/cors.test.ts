import { describe, expect, test } from "vitest";
import { MemoryRegistry } from "../../../src/registry/memory-registry.ts";
import { parseCorsOrigin } from "../../../src/server/cors.ts";
import { createFetchHandler, type FetchHandlerOptions } from "../../../src/server/fetch-handler.ts";
import {
  createProcedures,
  type RefusalDetails,
  ServiceHealth,
  servicePages,
} from "../../../src/server/index.ts";

const SERVICE = "https://service.example";
const HELLO = `${SERVICE}/sidero.discovery.server.Cluster/Hello`;
const PAGE = "https://page.example";
const EVIL = "https://evil.example";

function open(corsOrigins?: FetchHandlerOptions["corsOrigins"]) {
  const registry = new MemoryRegistry();
  const procedures = createProcedures(registry);
  const health = new ServiceHealth(registry);
  const refusals: [string, RefusalDetails | undefined][] = [];
  const handler = createFetchHandler(registry, {
    corsOrigins,
    pages: servicePages({ registry, procedures, health }),
    hooks: { onRefused: (reason, details) => refusals.push([reason, details]) },
  });
  return {
    refusals,
    preflight: (origin: string) =>
      handler(
        new Request(HELLO, {
          method: "OPTIONS",
          headers: {
            Origin: origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-grpc-web",
          },
        }),
      ),
    call: (headers: Record<string, string>) =>
      handler(
        new Request(HELLO, {
          method: "POST",
          headers: { "Content-Type": "application/json", ...headers },
          body: JSON.stringify({ clusterId: "c" }),
        }),
      ),
    get: (path: string, origin: string) =>
      handler(new Request(SERVICE + path, { headers: { Origin: origin } })),
  };
}

const corsHeaders = ({ headers }: Response) =>
  [...headers.keys()].filter((name) => name.startsWith("access-control-"));

describe("without origins", () => {
  test("no page of another origin may call, and each attempt is reported", async () => {
    const { preflight, call, refusals } = open();
    const asked = await preflight(EVIL);
    expect([asked.status, corsHeaders(asked), asked.headers.get("vary")]).toEqual([204, [], null]);
    expect(refusals).toEqual([["cors_origin", { origin: EVIL }]]);
    const answered = await call({ Origin: EVIL });
    expect([answered.status, corsHeaders(answered)]).toEqual([200, []]);
    expect(refusals).toHaveLength(2);
  });

  test("callers that are no web pages, and pages of the service itself, are not reported", async () => {
    const { call, refusals } = open();
    expect((await call({})).status).toBe(200);
    expect((await call({ Origin: SERVICE, "Sec-Fetch-Site": "same-origin" })).status).toBe(200);
    expect(refusals).toEqual([]);
  });

  test("statistics stay readable for every page, other pages are not", async () => {
    const { get, refusals } = open();
    expect((await get("/stats", EVIL)).headers.get("access-control-allow-origin")).toBe("*");
    expect(refusals).toEqual([]);
    for (const path of ["/", "/inspect?clusterID=c", "/readyz", "/nothing"]) {
      expect([path, corsHeaders(await get(path, EVIL))]).toEqual([path, []]);
    }
    expect(refusals).toHaveLength(4);
  });
});

test("with *, any page may call, and may read what gRPC-Web and Connect need", async () => {
  for (const origins of ["*", [PAGE, "*"]] as const) {
    const { preflight, call, refusals } = open(origins);
    const asked = await preflight(EVIL);
    expect(asked.status).toBe(204);
    expect(asked.headers.get("access-control-allow-origin")).toBe("*");
    expect(asked.headers.get("access-control-allow-methods")).toContain("POST");
    for (const header of ["content-type", "x-grpc-web", "connect-protocol-version"]) {
      expect(asked.headers.get("access-control-allow-headers")?.toLowerCase()).toContain(header);
    }
    expect(asked.headers.get("access-control-max-age")).toBe("7200");
    const answered = await call({ Origin: EVIL });
    expect(answered.status).toBe(200);
    expect(answered.headers.get("access-control-allow-origin")).toBe("*");
    expect(answered.headers.get("access-control-expose-headers")?.toLowerCase()).toContain(
      "grpc-status",
    );
    expect(refusals).toEqual([]);
  }
});

test("with origins, their pages may call, and no others", async () => {
  const { preflight, call, get, refusals } = open(["http://other.example:8080", PAGE]);
  for (const answer of [await preflight(PAGE), await call({ Origin: PAGE })]) {
    expect(answer.headers.get("access-control-allow-origin")).toBe(PAGE);
    expect(answer.headers.get("vary")).toBe("Origin");
  }
  expect(refusals).toEqual([]);
  for (const origin of [EVIL, "https://page.example:8443", "http://page.example", "null"]) {
    for (const answer of [await preflight(origin), await call({ Origin: origin })]) {
      expect(corsHeaders(answer)).toEqual([]);
      expect(answer.headers.get("vary")).toBe("Origin");
    }
  }
  expect(refusals).toHaveLength(8);
  // A cache that has the answer to a caller without an origin must not give it to a page.
  expect((await call({})).headers.get("vary")).toBe("Origin");
  expect((await get("/stats", PAGE)).headers.get("access-control-allow-origin")).toBe("*");
});

test.each([
  ["*", "*"],
  ["https://example.org", "https://example.org"],
  ["HTTPS://Example.ORG:443", "https://example.org"],
  ["http://example.org:80", "http://example.org"],
  ["http://localhost:8000", "http://localhost:8000"],
  ["http://[2001:DB8:0::1]:3000", "http://[2001:db8::1]:3000"],
  ["https://bücher.example", "https://xn--bcher-kva.example"],
  ["chrome-extension://ABCDEF", "chrome-extension://abcdef"],
])("the origin %s is the browser's %s", (text, origin) => {
  expect(parseCorsOrigin(text)).toBe(origin);
});

test.each([
  "example.org",
  "example.org:443",
  "//example.org",
  "https://",
  "https:example.org",
  "https://example.org/",
  "https://example.org/page",
  "https://example.org?x",
  "https://example.org#x",
  "https://user@example.org",
  "https://*.example.org",
  "https://example.org:99999",
  "https://exa mple.org",
  "https://example.org\n",
  "https://a\tb",
  "https:\\\\example.org",
  "https://example.org,https://b.example",
  "null",
  "**",
  "",
])("%j is not an origin", (text) => {
  expect(() => parseCorsOrigin(text)).toThrow(
    new RangeError(
      `invalid ${JSON.stringify(text)}: expected an origin like https://example.org, or *`,
    ),
  );
  expect(() => createFetchHandler(new MemoryRegistry(), { corsOrigins: [text] })).toThrow(
    /^invalid corsOrigins "/,
  );
});
