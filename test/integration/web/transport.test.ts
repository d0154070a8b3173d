import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { DiscoveryClient } from "../../../src/client/index.ts";
import { generateClusterSecret } from "../../../src/crypto/index.ts";
import { serve } from "../../../src/node/index.ts";
import { Cluster } from "../../../src/protocol/index.ts";
import { MemoryRegistry } from "../../../src/registry/index.ts";
import { createFetchHandler } from "../../../src/server/index.ts";
import { connectTransport, grpcWebTransport } from "../../../src/web/index.ts";

const hello = { clusterId: "cluster" };
const transports = { grpcWebTransport, connectTransport };

describe.each(Object.entries(transports))("%s", (_, createTransport) => {
  test("reaches a service over HTTP/1.1", async () => {
    await using server = await serve({ host: "127.0.0.1", port: 0 });
    const client = createClient(Cluster, createTransport(server.url));
    expect((await client.hello(hello)).clientIp).toHaveLength(4);
  });

  test("reaches a fetch handler without a network, with its own fetch", async () => {
    const registry = new MemoryRegistry();
    onTestFinished(() => registry.close());
    const handler = createFetchHandler(registry);
    const transport = (url: string) =>
      createTransport(url, { fetch: (input, init) => handler(new Request(input, init)) });
    const options = {
      service: "http://handler.test",
      transport,
      clusterId: "cluster",
      clusterSecret: generateClusterSecret(),
    };
    const stop = new AbortController();
    const a = new DiscoveryClient({ ...options, nodeId: "a" });
    const b = new DiscoveryClient({ ...options, nodeId: "b" });
    const running = [a.run({ signal: stop.signal }), b.run({ signal: stop.signal })];
    const changes = b.watch({ signal: stop.signal });
    expect((await changes.next()).value).toEqual({ kind: "snapshot", affiliates: [] });
    a.publish({ hostname: "host-a" }, { endpoints: ["10.0.0.1:51820"] });
    expect((await changes.next()).value).toMatchObject({
      kind: "updated",
      affiliate: { nodeId: "a", hostname: "host-a", endpoints: ["10.0.0.1:51820"] },
    });
    a.withdraw();
    expect((await changes.next()).value).toEqual({ kind: "deleted", nodeId: "a" });
    stop.abort();
    await Promise.all(running);
    await vi.waitFor(() => expect(registry.totals().watchers).toBe(0));
  });

  test("is a factory for a DiscoveryClient as it is", () => {
    new DiscoveryClient({
      service: "https://service.test",
      transport: createTransport,
      clusterId: "cluster",
      clusterSecret: generateClusterSecret(),
      nodeId: "a",
    });
  });

  test("takes the URL forms of services, and no others", async () => {
    const fetch = vi.fn<typeof globalThis.fetch>(async () => new Response(null, { status: 503 }));
    await createClient(Cluster, createTransport("grpc://service.test/path", { fetch }))
      .hello(hello)
      .catch(() => {});
    expect(fetch.mock.calls[0]?.[0]).toBe(
      "https://service.test:443/sidero.discovery.server.Cluster/Hello",
    );
    expect(() => createTransport("ftp://service.test")).toThrow(
      expect.objectContaining({ code: "ERR_SERVICE_URL_INVALID" }),
    );
  });

  test("follows no redirect, and asks for that in the one way that workers take too", async () => {
    const fetch = vi.fn<typeof globalThis.fetch>(async () =>
      Response.redirect("http://other.test/", 307),
    );
    const client = createClient(Cluster, createTransport("http://service.test", { fetch }));
    await expect(client.hello(hello)).rejects.toBeInstanceOf(ConnectError);
    expect(fetch.mock.calls.map(([, init]) => init?.redirect)).toEqual(["manual"]);
  });

  test("refuses a message over the limit, in a stream and alone, and takes one under it", async () => {
    const registry = new MemoryRegistry();
    onTestFinished(() => registry.close());
    const handler = createFetchHandler(registry);
    const fetch: typeof globalThis.fetch = (input, init) => handler(new Request(input, init));
    for (let i = 0; i < 10; i++) {
      registry.update({
        clusterId: "cluster",
        affiliateId: `node-${i}`,
        data: new Uint8Array(1000),
        endpoints: [],
        ttlMs: 60_000,
      });
    }
    const wide = createClient(Cluster, createTransport("http://a.test", { fetch }));
    expect((await wide.list(hello)).affiliates).toHaveLength(10);
    const narrow = createClient(
      Cluster,
      createTransport("http://a.test", { fetch, readMaxBytes: 5000 }),
    );
    await narrow.hello(hello);
    const watch = narrow.watch(hello)[Symbol.asyncIterator]();
    for (const call of [narrow.list(hello), watch.next()]) {
      const error = await call.then(
        () => undefined,
        (thrown) => ConnectError.from(thrown),
      );
      expect(error?.code).toBe(Code.ResourceExhausted);
    }
  });
});
