import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { describe, expect, test, vi } from "vitest";
import { Cluster, HelloRequestSchema, HelloResponseSchema } from "../../../src/protocol/index.ts";
import { MemoryRegistry } from "../../../src/registry/memory-registry.ts";
import { createFetchHandler, type FetchHandlerOptions } from "../../../src/server/fetch-handler.ts";
import { frame } from "../../harness/service/test-service.ts";

const ORIGIN = "https://service.example";
const HELLO = `${ORIGIN}/sidero.discovery.server.Cluster/Hello`;
const HELLO_REQUEST = toBinary(HelloRequestSchema, create(HelloRequestSchema, { clusterId: "c" }));

function open(options?: FetchHandlerOptions) {
  const registry = new MemoryRegistry();
  const handler = createFetchHandler(registry, options);
  const fetchInto: typeof fetch = (input, init) =>
    handler(new Request(input, init), { peerAddress: "192.0.2.1" });
  return { registry, handler, fetchInto };
}

const transports = {
  "gRPC-Web": (fetch: typeof globalThis.fetch) =>
    createGrpcWebTransport({ baseUrl: ORIGIN, fetch }),
  "Connect, binary": (fetch: typeof globalThis.fetch) =>
    createConnectTransport({ baseUrl: ORIGIN, fetch, useBinaryFormat: true }),
  "Connect, JSON": (fetch: typeof globalThis.fetch) =>
    createConnectTransport({ baseUrl: ORIGIN, fetch, useBinaryFormat: false }),
};

describe.each(Object.entries(transports))("%s without a socket", (_name, createTransport) => {
  test("all procedures answer", async () => {
    const { registry, fetchInto } = open({ redirectEndpoint: "other.example:443" });
    const client = createClient(Cluster, createTransport(fetchInto));
    expect(await client.hello({ clusterId: "c" })).toMatchObject({
      clientIp: new Uint8Array([192, 0, 2, 1]),
      redirect: { endpoint: "other.example:443" },
    });
    await client.affiliateUpdate({
      clusterId: "c",
      affiliateId: "a",
      affiliateData: new Uint8Array([1]),
      affiliateEndpoints: [new Uint8Array([2]), new Uint8Array([3])],
      ttl: { seconds: 60n },
    });
    const affiliate = {
      id: "a",
      data: new Uint8Array([1]),
      endpoints: [new Uint8Array([2]), new Uint8Array([3])],
    };
    expect((await client.list({ clusterId: "c" })).affiliates).toMatchObject([affiliate]);
    const watch = client.watch({ clusterId: "c" })[Symbol.asyncIterator]();
    expect((await watch.next()).value).toMatchObject({ affiliates: [affiliate], deleted: false });
    await client.affiliateDelete({ clusterId: "c", affiliateId: "a" });
    expect((await watch.next()).value).toMatchObject({ affiliates: [{ id: "a" }], deleted: true });
    await registry.close();
    expect(await watch.next()).toMatchObject({ done: true });
  });

  test("a refusal has its code and text", async () => {
    const client = createClient(Cluster, createTransport(open().fetchInto));
    await expect(client.hello({ clusterId: "" })).rejects.toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: "cluster ID can't be empty",
    });
  });

  test("a caller that hangs up frees its watcher", async () => {
    const { registry, fetchInto } = open();
    const client = createClient(Cluster, createTransport(fetchInto));
    const controller = new AbortController();
    const watching = (async () => {
      for await (const _ of client.watch({ clusterId: "c" }, { signal: controller.signal })) {
        expect(registry.totals().watchers).toBe(1);
        controller.abort();
      }
    })();
    await expect(watching).rejects.toMatchObject({ code: Code.Canceled });
    await expect.poll(() => registry.totals()).toMatchObject({ watchers: 0, clusters: 0 });
  });

  test("a deadline ends a watch", async () => {
    const { registry, fetchInto } = open();
    const client = createClient(Cluster, createTransport(fetchInto));
    const watching = (async () => {
      for await (const _ of client.watch({ clusterId: "c" }, { timeoutMs: 50 }));
    })();
    await expect(watching).rejects.toMatchObject({ code: Code.DeadlineExceeded });
    await expect.poll(() => registry.totals()).toMatchObject({ watchers: 0, clusters: 0 });
  });
});

test("a plain POST of a message is a Connect call", async () => {
  const { fetchInto } = open();
  const response = await fetchInto(HELLO, {
    method: "POST",
    headers: { "Content-Type": "application/proto" },
    body: HELLO_REQUEST,
  });
  expect(response.status).toBe(200);
  const hello = fromBinary(HelloResponseSchema, new Uint8Array(await response.arrayBuffer()));
  expect(hello.clientIp).toEqual(new Uint8Array([192, 0, 2, 1]));
});

test.each([
  ["connect-timeout-ms", "2147483648", "application/proto", HELLO_REQUEST],
  ["grpc-timeout", "597H", "application/grpc-web+proto", frame(HELLO_REQUEST)],
])("%s further away than timers go is none", async (name, text, type, body) => {
  using warned = vi.spyOn(process, "emitWarning").mockReturnValue();
  const { fetchInto } = open();
  const response = await fetchInto(HELLO, {
    method: "POST",
    headers: { "Content-Type": type, [name]: text },
    body: Uint8Array.from(body),
  });
  expect(response.status).toBe(200);
  expect(response.headers.get("grpc-status")).toBeNull();
  expect(warned).not.toHaveBeenCalled();
});

describe("requests that are no calls", () => {
  test("the root says what this is", async () => {
    const response = await open().fetchInto(ORIGIN);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain("Talos discovery service");
    expect((await open().fetchInto(ORIGIN, { method: "HEAD" })).status).toBe(200);
  });

  test("another path is 404, with a word on where the service is", async () => {
    const response = await open().fetchInto(`${ORIGIN}/favicon.ico`);
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(await response.text()).toContain("/sidero.discovery.server.Cluster/");
  });

  test("another HTTP method is 405, with those that would do", async () => {
    const get = await open().fetchInto(HELLO);
    expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
    const post = await open().fetchInto(ORIGIN, { method: "POST", body: "x" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect((await open().fetchInto(HELLO, { method: "OPTIONS" })).status).toBe(405);
  });

  test("another content type is 415, with those that would do", async () => {
    const response = await open().fetchInto(HELLO, { method: "POST", body: "<xml/>" });
    expect(response.status).toBe(415);
    expect(await response.text()).toContain("application/grpc-web+proto");
  });

  test("gRPC itself is told that this endpoint has no trailers", async () => {
    const response = await open().fetchInto(HELLO, {
      method: "POST",
      headers: { "Content-Type": "application/grpc" },
      body: new Uint8Array(5),
    });
    expect(response.status).toBe(415);
    expect(response.headers.get("grpc-status")).toBe("12");
    expect(await response.text()).toContain("gRPC-Web");
  });

  test("an unknown method of gRPC-Web is unimplemented", async () => {
    const response = await open().fetchInto(`${ORIGIN}/sidero.discovery.server.Cluster/Nothing`, {
      method: "POST",
      headers: { "Content-Type": "application/grpc-web+proto" },
      body: new Uint8Array(5),
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("grpc-status")).toBe("12");
  });
});

describe("bad bodies", () => {
  const post = (contentType: string, body: BodyInit) =>
    open().fetchInto(HELLO, { method: "POST", headers: { "Content-Type": contentType }, body });

  test("bytes that are no message are refused", async () => {
    const response = await post("application/proto", new Uint8Array([0xff, 0xff]));
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(await response.json()).toHaveProperty("code");
  });

  test("text that is no JSON is refused", async () => {
    const response = await post("application/json", "{");
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_argument" });
  });

  test("a message over 16 KiB is refused", async () => {
    const response = await post("application/proto", new Uint8Array(16_385));
    expect(response.status).toBe(429);
    expect(await response.json()).toMatchObject({ code: "resource_exhausted" });
  });

  test("a compression that nobody offered is unimplemented", async () => {
    const response = await open().fetchInto(HELLO, {
      method: "POST",
      headers: { "Content-Type": "application/proto", "Content-Encoding": "br" },
      body: new Uint8Array(5),
    });
    expect(await response.json()).toMatchObject({ code: "unimplemented" });
  });

  test("a body that never ends is given up", async () => {
    const { fetchInto, registry } = open({ bodyTimeoutMs: 20 });
    const body = new ReadableStream({ start: (c) => c.enqueue(new Uint8Array([10])) });
    const response = await fetchInto(HELLO, {
      method: "POST",
      headers: { "Content-Type": "application/proto" },
      body,
      duplex: "half",
    } as RequestInit);
    expect(await response.json()).toMatchObject({ code: "deadline_exceeded" });
    expect(registry.totals().watchers).toBe(0);
  });
});

describe("behind a proxy", () => {
  const clientIp = async (options: FetchHandlerOptions, headers: Record<string, string>) => {
    const { fetchInto } = open(options);
    const client = createClient(Cluster, transports["gRPC-Web"](fetchInto));
    return [...(await client.hello({ clusterId: "c" }, { headers })).clientIp];
  };

  test("its headers count where it is trusted, and only there", async () => {
    const headers = { "X-Forwarded-For": "203.0.113.9, 192.0.2.1" };
    expect(await clientIp({ trustedProxies: ["192.0.2.0/24"] }, headers)).toEqual([203, 0, 113, 9]);
    expect(await clientIp({}, headers)).toEqual([192, 0, 2, 1]);
    expect(await clientIp({ reportClientIp: false }, headers)).toEqual([]);
  });
});
