/**
 * The life of a service: where it listens, what it answers on one port, how it ends.
 * @module
 */
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:http2";
import { Code, createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { describe, expect, test } from "vitest";
import { serve } from "../../../src/node/serve.ts";
import { Cluster } from "../../../src/protocol/index.ts";
import { MemoryBudget } from "../../../src/registry/memory-budget.ts";
import { MemoryRegistry } from "../../../src/registry/memory-registry.ts";
import type { CallReport } from "../../../src/server/rpc/call-report.ts";
import { unusedPort } from "../../harness/net/unused-port.ts";
import {
  CA,
  grpcClient,
  rawCall,
  rawSocket,
  startService,
  TLS,
} from "../../harness/service/test-service.ts";

/** Starts a watch of cluster `c` and waits for its snapshot; the rest is read to the end. */
async function openWatch(client: ReturnType<typeof grpcClient>, signal?: AbortSignal) {
  const watch = client.watch({ clusterId: "c" }, { signal })[Symbol.asyncIterator]();
  await watch.next();
  return (async () => {
    while (!(await watch.next()).done);
  })();
}

describe("where it listens", () => {
  test("on all addresses, where IPv4 callers are reported as such", async () => {
    await using server = await serve({ port: 0 });
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
    const { clientIp } = await grpcClient(server.url).hello({ clusterId: "c" });
    expect(clientIp).toEqual(new Uint8Array([127, 0, 0, 1]));
    if (server.host !== "::") return; // This machine has no IPv6.
    const url = `http://[::1]:${server.port}`;
    const { clientIp: ipv6 } = await grpcClient(url).hello({ clusterId: "c" });
    expect(ipv6).toEqual(new Uint8Array([...new Uint8Array(15), 1]));
  });

  test("its own registry counts in the memory that it is given", async () => {
    const memory = new MemoryBudget({ maxBytes: 2 ** 26 });
    await using server = await serve({ port: 0, memory });
    const ttl = { seconds: 60n };
    await grpcClient(server.url).affiliateUpdate({ clusterId: "c", affiliateId: "a", ttl });
    expect(memory.usedBy("state")).toBeGreaterThan(0);
  });

  test("its URL is one that clients on this machine can use", async () => {
    await using server = await serve({ host: "localhost", port: 0 });
    await grpcClient(server.url).hello({ clusterId: "c" });
    await using secure = await startService({ tls: TLS });
    expect(secure.url).toBe(`https://127.0.0.1:${secure.port}`);
  });

  test("a port in use is an error that names it", async () => {
    await using server = await startService();
    await expect(startService({ port: server.port })).rejects.toMatchObject({
      name: "DiscoveryError",
      code: "ERR_LISTEN_FAILED",
      message: `cannot listen on 127.0.0.1:${server.port}: the port is in use`,
    });
  });

  test("an address that this machine has not is an error that names it", async () => {
    await expect(serve({ host: "192.0.2.1", port: 3000 })).rejects.toMatchObject({
      code: "ERR_LISTEN_FAILED",
      message: "cannot listen on 192.0.2.1:3000: this machine has no such address",
    });
  });

  test.each([
    [{ port: 65_536 }, "port must be an integer from 0 to 65535, got 65536"],
    [{ port: -1 }, "port must be an integer from 0 to 65535, got -1"],
    [{ port: 1.5 }, "port must be an integer from 0 to 65535, got 1.5"],
    [
      { shutdownTimeoutMs: -1 },
      "shutdownTimeoutMs must be an integer from 0 to 2147483647, got -1",
    ],
    [{ connectTimeoutMs: 0 }, "connectTimeoutMs must be an integer from 1 to 2147483647, got 0"],
    [
      { bodyTimeoutMs: Number.NaN },
      "bodyTimeoutMs must be a number above 0 and at most 2147483647, got NaN",
    ],
    [
      { bodyTimeoutMs: Number.POSITIVE_INFINITY },
      "bodyTimeoutMs must be a number above 0 and at most 2147483647, got Infinity",
    ],
  ])("%j is out of range", async (options, text) => {
    await expect(serve(options)).rejects.toThrow(RangeError);
    await expect(serve(options)).rejects.toThrow(text);
  });

  test("a certificate that is none is an error", async () => {
    await expect(startService({ tls: { cert: "x", key: TLS.key } })).rejects.toMatchObject({
      code: "ERR_CERTIFICATE_INVALID",
    });
  });

  test("a trusted proxy that is no prefix is an error", async () => {
    await expect(startService({ trustedProxies: ["10.0.0.0/33"] })).rejects.toMatchObject({
      code: "ERR_PREFIX_INVALID",
    });
  });
});

describe.each([
  ["plaintext", undefined],
  ["TLS", TLS],
])("one port, %s", (_name, tls) => {
  const nodeOptions = { ca: CA };

  test.each([
    ["gRPC", (baseUrl: string) => createGrpcTransport({ baseUrl, nodeOptions })],
    [
      "gRPC-Web over HTTP/1.1",
      (baseUrl: string) => createGrpcWebTransport({ baseUrl, nodeOptions, httpVersion: "1.1" }),
    ],
    [
      "gRPC-Web over HTTP/2",
      (baseUrl: string) => createGrpcWebTransport({ baseUrl, nodeOptions, httpVersion: "2" }),
    ],
    [
      "Connect over HTTP/1.1",
      (baseUrl: string) => createConnectTransport({ baseUrl, nodeOptions, httpVersion: "1.1" }),
    ],
    [
      "Connect with JSON over HTTP/2",
      (baseUrl: string) =>
        createConnectTransport({
          baseUrl,
          nodeOptions,
          httpVersion: "2",
          useBinaryFormat: false,
        }),
    ],
  ])("answers %s", async (_protocol, createTransport) => {
    await using server = await startService({ tls });
    const client = createClient(Cluster, createTransport(server.url));
    expect((await client.hello({ clusterId: "c" })).clientIp).toEqual(
      new Uint8Array([127, 0, 0, 1]),
    );
    const watch = client.watch({ clusterId: "c" })[Symbol.asyncIterator]();
    expect((await watch.next()).value).toMatchObject({ affiliates: [] });
    await client.affiliateUpdate({
      clusterId: "c",
      affiliateId: "a",
      affiliateData: new Uint8Array(2048),
      affiliateEndpoints: [new Uint8Array(32)],
      ttl: { seconds: 60n },
    });
    const affiliate = { id: "a", data: new Uint8Array(2048), endpoints: [new Uint8Array(32)] };
    expect((await watch.next()).value).toMatchObject({ affiliates: [affiliate] });
    expect((await client.list({ clusterId: "c" })).affiliates).toMatchObject([affiliate]);
    await expect(client.list({ clusterId: "" })).rejects.toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: "cluster ID can't be empty",
    });
    await client.affiliateDelete({ clusterId: "c", affiliateId: "a" });
    expect((await watch.next()).value).toMatchObject({ deleted: true });
    const ended = watch.next();
    await server.close();
    expect(await ended).toMatchObject({ done: true });
  });
});

test("pages and preflights are answered beside the calls", async () => {
  await using server = await startService();
  const page = await fetch(server.url);
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("Talos")]);
  expect((await fetch(`${server.url}/nothing`)).status).toBe(404);
  const preflight = (url: string) =>
    fetch(`${url}/sidero.discovery.server.Cluster/Hello`, {
      method: "OPTIONS",
      headers: { Origin: "https://page.example", "Access-Control-Request-Method": "POST" },
    });
  const refused = await preflight(server.url);
  expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([204, null]);
  await using open = await startService({ corsOrigins: ["https://page.example"] });
  const allowed = await preflight(open.url);
  expect(allowed.headers.get("access-control-allow-origin")).toBe("https://page.example");
});

describe("Hello", () => {
  const hello = async (
    options: Parameters<typeof startService>[0],
    headers: Record<string, string> = {},
  ) => {
    await using server = await startService(options);
    return await grpcClient(server.url).hello({ clusterId: "c" }, { headers });
  };

  test("redirects where the operator says so", async () => {
    const { redirect } = await hello({ redirectEndpoint: "other.example:443" });
    expect(redirect?.endpoint).toBe("other.example:443");
    expect((await hello({})).redirect).toBeUndefined();
  });

  test("believes a proxy's headers where it is trusted, and only there", async () => {
    const headers = { "x-real-ip": "2001:db8::1" };
    const trusted = await hello({ trustedProxies: ["127.0.0.0/8"] }, headers);
    expect(trusted.clientIp).toHaveLength(16);
    expect((await hello({}, headers)).clientIp).toEqual(new Uint8Array([127, 0, 0, 1]));
    const other = await hello({ trustedProxies: ["10.0.0.0/8"] }, headers);
    expect(other.clientIp).toEqual(new Uint8Array([127, 0, 0, 1]));
  });

  test("reports no IP where that is switched off", async () => {
    expect((await hello({ reportClientIp: false })).clientIp).toHaveLength(0);
  });
});

describe("watches are freed", () => {
  test("when their caller cancels", async () => {
    const { promise: report, resolve } = Promise.withResolvers<CallReport>();
    await using server = await startService({ hooks: { onCallEnd: resolve } });
    const controller = new AbortController();
    const watching = openWatch(grpcClient(server.url), controller.signal);
    await expect.poll(async () => (await server.registry.totals()).watchers).toBe(1);
    controller.abort();
    await (await expect(watching)).rejects.toMatchObject({ code: Code.Canceled });
    expect(await report).toMatchObject({ method: "Watch", code: "Canceled", clusterId: "c" });
    expect(await server.registry.totals()).toMatchObject({ watchers: 0, clusters: 0 });
  });

  test("when their deadline is over", async () => {
    const { promise: report, resolve } = Promise.withResolvers<CallReport>();
    await using server = await startService({ hooks: { onCallEnd: resolve } });
    const watching = (async () => {
      for await (const _ of grpcClient(server.url).watch({ clusterId: "c" }, { timeoutMs: 50 }));
    })();
    await expect(watching).rejects.toMatchObject({ code: Code.DeadlineExceeded });
    expect(await report).toMatchObject({ clientAddress: "127.0.0.1", messagesSent: 1 });
    await expect.poll(() => server.registry.totals()).toMatchObject({ watchers: 0, clusters: 0 });
  });
});

describe("close", () => {
  test("ends watches with OK, frees the port, and closes its own registry", async () => {
    const server = await startService({ port: await unusedPort() });
    const client = grpcClient(server.url);
    const watch = client.watch({ clusterId: "c" })[Symbol.asyncIterator]();
    await watch.next();
    const end = watch.next();
    await Promise.all([server.close(), server.close(), server[Symbol.asyncDispose]()]);
    expect(await end).toMatchObject({ done: true });
    expect(() => server.registry.list("c")).toThrow();
    await using _ = await startService({ port: server.port });
  });

  test("leaves a registry alone that it was given", async () => {
    const registry = new MemoryRegistry();
    const server = await startService({ registry });
    const client = grpcClient(server.url);
    const watch = client.watch({ clusterId: "c" })[Symbol.asyncIterator]();
    await watch.next();
    const end = watch.next();
    await server.close();
    expect(await end).toMatchObject({ done: true });
    registry.update({ clusterId: "c", affiliateId: "a", endpoints: [], ttlMs: 60_000 });
    expect(registry.list("c")).toHaveLength(1);
    expect(registry.totals().watchers).toBe(0);
    await registry.close();
  });

  test("a registry that closes ends watches with OK, and further calls are Unavailable", async () => {
    const registry = new MemoryRegistry();
    await using server = await startService({ registry });
    const client = grpcClient(server.url);
    const watch = client.watch({ clusterId: "c" })[Symbol.asyncIterator]();
    await watch.next();
    await registry.close();
    expect(await watch.next()).toMatchObject({ done: true });
    await expect(client.list({ clusterId: "c" })).rejects.toMatchObject({
      code: Code.Unavailable,
    });
  });

  test("lets calls in progress finish", async () => {
    const { promise: updating, resolve: started } = Promise.withResolvers<void>();
    const { promise: gate, resolve: release } = Promise.withResolvers<void>();
    const registry = new MemoryRegistry();
    const slow = Object.assign(registry, {
      delete: () => {
        started();
        return gate;
      },
    });
    const server = await startService({ registry: slow });
    const call = grpcClient(server.url).affiliateDelete({ clusterId: "c", affiliateId: "a" });
    await updating;
    const closed = server.close();
    release();
    await call;
    await closed;
  });

  test("breaks off what goes on beyond the grace", async () => {
    const { promise: updating, resolve: started } = Promise.withResolvers<void>();
    const registry = new MemoryRegistry();
    const stuck = Object.assign(registry, {
      delete: () => {
        started();
        return new Promise<void>(() => {});
      },
    });
    const server = await startService({ registry: stuck, shutdownTimeoutMs: 20 });
    const call = grpcClient(server.url).affiliateDelete({ clusterId: "c", affiliateId: "a" });
    const failed = expect(call).rejects.toThrow();
    await updating;
    await server.close();
    await failed;
  });

  test("does not wait for idle or silent connections", async () => {
    const server = await startService();
    const { said } = await rawSocket(server);
    const session = connect(server.url);
    await once(session, "connect");
    const http1 = await new Promise((resolve) => {
      httpRequest(server.url, { headers: { Connection: "keep-alive" } }, (response) => {
        response.resume().once("end", () => resolve(response.statusCode));
      }).end();
    });
    expect(http1).toBe(200);
    await server.close();
    expect(await said).toBe("");
  });

  test("does not wait for a body that nobody read", async () => {
    const server = await startService();
    const { headers } = await rawCall(
      server.url,
      { ":path": "/nothing", "content-type": "text/plain" },
      new Uint8Array(1_000_000),
    );
    expect(headers[":status"]).toBe(404);
    const session = connect(server.url);
    const stream = session.request({ ":method": "POST", ":path": "/nothing" });
    stream.write(new Uint8Array(100));
    await once(stream.resume(), "close");
    await server.close();
    session.close();
  });

  test("an aborted signal closes, also before the start", async () => {
    const controller = new AbortController();
    const server = await startService({ signal: controller.signal });
    const watch = grpcClient(server.url).watch({ clusterId: "c" })[Symbol.asyncIterator]();
    await watch.next();
    controller.abort();
    expect(await watch.next()).toMatchObject({ done: true });
    await server.close();
    const reason = new Error("not today");
    await expect(startService({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
