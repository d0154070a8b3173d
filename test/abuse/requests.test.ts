/**
 * Requests that mean one thing to a proxy or a browser and another to the service.
 * @module
 */
import { expect, test } from "vitest";
import { openStage } from "./harness/abuse-stage.ts";
import { UNARY_ENCODINGS } from "./harness/encodings.ts";
import { type HttpAnswer, http1Answer, http2Answer } from "./harness/http-answers.ts";
import { clusterPath } from "./harness/messages.ts";

const HELLO = '{"clusterId":"x"}';

/** Paths that a proxy's rule for `/inspect` may not match. */
const PATH_FORMS: readonly string[] = [
  "//x/inspect",
  "///inspect",
  "/./inspect",
  "/a/../inspect",
  "/../inspect",
  "/a/%2e%2e/inspect",
  "/a/%2E%2E/inspect",
  "/a/.%2e/inspect",
  "/%2e/inspect",
  "/a\\..\\inspect",
  "/\\x/inspect",
  "\\inspect",
  "//x/healthz",
  "/a/../metrics",
];

/** Request targets in absolute form. */
const TARGETS: readonly string[] = [
  "ftp://evil.example/healthz",
  "http://evil.example/a/../inspect",
  "http://evil.example//x/inspect",
];

const TWO_HOSTS = [
  "Host: a\r\nHost: b",
  "Host: a\r\nHost: a",
  "Host: a\r\nX: y\r\nhost: b",
  "Host: a, b",
];

/** More forms are tried than one client may ask for. */
const NO_PROBE_LIMIT = ["--probe-rate-limit=0"];

test("a path that is not in normal form is refused, on every port and in every protocol", async () => {
  const { service } = await openStage({ flags: NO_PROBE_LIMIT });
  const reached: string[] = [];
  const expectRefused = (name: string, { status, headers }: HttpAnswer): void => {
    // A stream may also be reset, and gRPC may say Unimplemented.
    const isRefused = status === 400 || status === 0 || headers["grpc-status"] === "12";
    if (!isRefused) reached.push(`${name}: ${status}`);
  };
  for (const path of PATH_FORMS) {
    const ports = [service.port, service.landingPort, service.metricsPort];
    for (const [index, port] of ports.entries()) {
      const name = `${path} of HTTP/1.1, port ${index}`;
      expectRefused(name, await http1Answer(port, get(path)));
    }
    expectRefused(`${path} of HTTP/2`, await http2Answer(service.port, { ":path": path }));
    const call = path.replace("inspect", clusterPath("Hello").slice(1));
    expectRefused(`${call} of HTTP/1.1`, await http1Answer(service.port, post(call)));
    for (const { name, headers, body } of UNARY_ENCODINGS) {
      const answer = await http2Answer(
        service.port,
        { ":method": "POST", ":path": call, ...headers },
        body("x"),
      );
      expectRefused(`${call}, ${name}`, answer);
    }
  }
  expect(reached).toEqual([]);
});

test("a request target of another kind is 400", async () => {
  const { service } = await openStage({ flags: NO_PROBE_LIMIT });
  for (const target of TARGETS) {
    expect((await http1Answer(service.port, get(target))).status, target).toBe(400);
  }
});

test("more than one Host is 400, on every port", async () => {
  const { service } = await openStage({ flags: NO_PROBE_LIMIT });
  for (const port of [service.port, service.landingPort, service.metricsPort]) {
    for (const hosts of TWO_HOSTS) {
      const bytes = `GET /healthz HTTP/1.1\r\n${hosts}\r\nConnection: close\r\n\r\n`;
      expect((await http1Answer(port, bytes)).status, hosts).toBe(400);
    }
  }
});

test("a page of another site can neither read nor write unless --cors-origin names it", async () => {
  const { service } = await openStage();
  for (const request of crossOriginRequests("https://evil.example")) {
    const { headers } = await http2Answer(service.port, request, Buffer.from(HELLO));
    expect(corsHeaders(headers), request[":path"]).toEqual([]);
  }
  const stats = await http2Answer(service.port, {
    ":path": "/stats",
    origin: "https://evil.example",
  });
  // Public, as in the reference.
  expect(stats.headers["access-control-allow-origin"]).toBe("*");
});

test("--cors-origin opens the service to one origin, and to no other", async () => {
  const friend = "https://console.example";
  const { service } = await openStage({ flags: [`--cors-origin=${friend}`] });
  for (const request of crossOriginRequests("https://evil.example")) {
    const { headers } = await http2Answer(service.port, request, Buffer.from(HELLO));
    expect(corsHeaders(headers), request[":path"]).toEqual([]);
  }
  for (const request of crossOriginRequests(friend)) {
    const { headers } = await http2Answer(service.port, request, Buffer.from(HELLO));
    expect(headers["access-control-allow-origin"], request[":path"]).toBe(friend);
  }
});

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nConnection: close\r\n\r\n`;
}

function post(path: string): string {
  return (
    `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${HELLO.length}\r\nConnection: close\r\n\r\n${HELLO}`
  );
}

function crossOriginRequests(origin: string): readonly Record<string, string>[] {
  const json = { ":method": "POST", origin, "content-type": "application/json" };
  return [
    ...["AffiliateUpdate", "AffiliateDelete", "List", "Hello"].map((method) => ({
      ...json,
      ":path": clusterPath(method),
    })),
    {
      ":method": "POST",
      ":path": clusterPath("Hello"),
      "content-type": "application/grpc-web+proto",
      origin,
    },
    { ":path": "/inspect?clusterID=c", origin },
    { ":path": "/healthz", origin },
    {
      ":method": "OPTIONS",
      ":path": clusterPath("AffiliateUpdate"),
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type",
      "access-control-request-private-network": "true",
    },
  ];
}

function corsHeaders(headers: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(headers).filter((name) => name.startsWith("access-control-"));
}
