import { describe, expect, test } from "vitest";
import { parseAddress } from "../../../../src/net/address.ts";
import { Admission, refusal } from "../../../../src/server/limits/admission.ts";

const IP = parseAddress("192.0.2.1");
const CALL = "/sidero.discovery.server.Cluster/List";

const full = { isFull: () => true };
const free = { isFull: () => false };

const CALL_TYPES = [
  "application/grpc",
  "application/grpc+proto",
  "application/grpc-web+proto",
  "application/grpc-web-text",
  "application/proto",
  "application/json",
  "application/connect+json",
] as const;

describe("a call of a procedure", () => {
  test.each(CALL_TYPES)("as %s is taken while its client has a place to wait", (type) => {
    expect(
      new Admission(free).judge({ target: CALL, contentType: type, clientIp: IP }),
    ).toBeUndefined();
    expect(
      new Admission(full).judge({ target: CALL, contentType: type, clientIp: IP })?.reason,
    ).toBe("rate_limit");
  });

  test("takes nothing from the probes of its client", () => {
    const admission = new Admission(free, { perSecond: 0.001, burst: 1 });
    for (let i = 0; i < 5; i++) {
      expect(
        admission.judge({ target: CALL, contentType: "application/json", clientIp: IP }),
      ).toBeUndefined();
    }
    expect(admission.judge({ target: "/healthz", contentType: "", clientIp: IP })).toBeUndefined();
    expect(admission.judge({ target: "/healthz", contentType: "", clientIp: IP })?.reason).toBe(
      "probe_limit",
    );
    expect(
      admission.judge({ target: CALL, contentType: "application/json", clientIp: IP }),
    ).toBeUndefined();
  });
});

test.each([
  ["a page", "/healthz", ""],
  ["a health check", "/grpc.health.v1.Health/Check", "application/grpc"],
  ["an unknown method of the service", "/sidero.discovery.server.Cluster/Nope", "application/json"],
  ["a method in other letters", "/sidero.discovery.server.Cluster/list", "application/json"],
  ["a call with a body of no protocol", CALL, "text/plain"],
  ["a call without a content type", CALL, ""],
  ["a call of an unknown content type", CALL, "application/xml"],
  ["another form of a procedure's path", `${CALL}/`, "application/json"],
  ["a target with a query", `${CALL}?x=1`, "application/json"],
])("%s counts as a probe, whether or not calls wait", (_name, target, type) => {
  const admission = new Admission(full, { perSecond: 0.001, burst: 1 });
  expect(admission.judge({ target: target, contentType: type, clientIp: IP })).toBeUndefined();
  expect(admission.judge({ target: target, contentType: type, clientIp: IP })?.reason).toBe(
    "probe_limit",
  );
  expect(
    admission.judge({ target: target, contentType: type, clientIp: undefined }),
  ).toBeUndefined();
});

test("malformed calls have a bucket apart; rare calls of a client that has emptied it are refused", () => {
  const admission = new Admission(free, { perSecond: 0.001, burst: 1 });
  expect(admission.judge({ target: "/healthz", contentType: "", clientIp: IP })).toBeUndefined();
  expect(admission.takeMalformed(IP)).toBe(true);
  expect(admission.takeMalformed(IP)).toBe(false);
  expect(
    admission.judge({ target: CALL, contentType: "application/json", clientIp: IP, isRare: true }),
  ).toMatchObject({
    reason: "probe_limit",
    isFlood: true,
  });
  expect(
    admission.judge({
      target: CALL,
      contentType: "application/json",
      clientIp: undefined,
      isRare: true,
    }),
  ).toBeUndefined();
  // Where nodes may come the same way.
  expect(
    admission.judge({ target: CALL, contentType: "application/grpc", clientIp: IP }),
  ).toBeUndefined();
});

test("without a limit of probes there is none", () => {
  const admission = new Admission(full);
  for (let i = 0; i < 1000; i++)
    expect(admission.judge({ target: "/healthz", contentType: "", clientIp: IP })).toBeUndefined();
  for (let i = 0; i < 1000; i++) expect(admission.takeMalformed(IP)).toBe(true);
});

describe("a refusal says so in the words of the caller's protocol:", () => {
  test.each(["application/grpc", "application/grpc+proto", "application/grpc-web+json"])(
    "%s: a status in headers without a body",
    (type) => {
      expect(refusal("stream_limit", "too many: 100 %", type)).toEqual({
        reason: "stream_limit",
        isFlood: false,
        page: {
          status: 200,
          headers: {
            "Content-Type": type,
            "grpc-status": "8",
            "grpc-message": "too%20many%3A%20100%20%25",
          },
          text: "",
        },
      });
    },
  );

  test.each(["application/json", "application/proto", "application/json; charset=utf-8"])(
    "%s: an error of Connect",
    (type) => {
      const { page } = refusal("rate_limit", "too many", type);
      expect(page.status).toBe(429);
      expect(page.headers["Content-Type"]).toBe("application/json");
      expect(JSON.parse(page.text)).toEqual({ code: "resource_exhausted", message: "too many" });
    },
  );

  test.each(["application/connect+json", "application/connect+proto"])(
    "%s: the end of a stream of Connect",
    (type) => {
      const { page } = refusal("rate_limit", "too many", type);
      expect(page.status).toBe(200);
      expect(page.headers["Content-Type"]).toBe(type);
      const bytes = Buffer.from(page.text);
      const end = '{"error":{"code":"resource_exhausted","message":"too many"}}';
      expect([...bytes.subarray(0, 5)]).toEqual([2, 0, 0, 0, end.length]);
      expect(bytes.subarray(5).toString()).toBe(end);
    },
  );

  test.each(["", "text/html", "application/xml"])("'%s': a line of text", (type) => {
    const { page } = refusal("probe_limit", "too many requests", type);
    expect(page.status).toBe(429);
    expect(page.headers["Retry-After"]).toBe("1");
    expect(page.headers["Content-Type"]).toBe("text/plain; charset=utf-8");
    expect(page.text).toBe("Too many requests.\n");
  });
});
