import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test } from "vitest";
import { DiscoveryClient } from "../../../../src/client/index.ts";
import { generateClusterSecret } from "../../../../src/crypto/index.ts";
import { type GrpcTransportOptions, grpcTransport, serve } from "../../../../src/node/index.ts";
import { Cluster } from "../../../../src/protocol/index.ts";
import { startConnectProxy } from "../../../harness/net/connect-proxy.ts";
import { unusedPort } from "../../../harness/net/unused-port.ts";

const tlsFixtures = new URL("../../../fixtures/tls/", import.meta.url);
const ca = readFileSync(new URL("ca.pem", tlsFixtures), "utf8");
const cert = readFileSync(new URL("server.pem", tlsFixtures), "utf8");
const key = readFileSync(new URL("server-key.pem", tlsFixtures), "utf8");

async function startService(options: Parameters<typeof serve>[0] = {}) {
  const server = await serve({ host: "127.0.0.1", port: 0, ...options });
  onTestFinished(() => server.close());
  return server;
}

function startTlsService() {
  return startService({ tls: { cert, key } });
}

async function startProxy(...options: Parameters<typeof startConnectProxy>) {
  const proxy = await startConnectProxy(...options);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  return proxy;
}

function openClient(url: string, options: GrpcTransportOptions = {}) {
  const transport = grpcTransport(url, options);
  onTestFinished(() => transport.close());
  return createClient(Cluster, transport);
}

async function errorOf(promise: Promise<unknown>): Promise<ConnectError> {
  const error = await promise.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

const hello = { clusterId: "cluster" };

describe("gRPC", () => {
  test("over plaintext HTTP/2", async () => {
    const server = await startService();
    expect((await openClient(server.url).hello(hello)).clientIp).toHaveLength(4);
  });

  test("over TLS, with an extra certificate authority as text, bytes or list", async () => {
    const server = await startTlsService();
    for (const trusted of [ca, Buffer.from(ca), [ca]]) {
      await openClient(server.url, { ca: trusted }).hello(hello);
    }
    await openClient(server.url.replace("https:", "grpc:"), { ca }).hello(hello);
  });

  test("an unknown certificate authority is refused", async () => {
    const server = await startTlsService();
    const error = await errorOf(openClient(server.url).hello(hello));
    expect(error.message).toMatch(/certificate/);
  });

  test("a certificate for another name is refused, unless that name is asked for", async () => {
    const server = await startTlsService();
    const wrong = await errorOf(
      openClient(server.url, { ca, serverName: "elsewhere.test" }).hello(hello),
    );
    expect(wrong.message).toMatch(/altnames/);
    await openClient(server.url, { ca, serverName: "localhost" }).hello(hello);
  });

  test("a refused connection is unavailable", async () => {
    const server = await startService();
    await server.close();
    expect((await errorOf(openClient(server.url).hello(hello))).code).toBe(Code.Unavailable);
  });

  test("a URL that is none is refused at once", () => {
    expect(() => grpcTransport("ftp://host")).toThrow(
      expect.objectContaining({ code: "ERR_SERVICE_URL_INVALID" }),
    );
  });

  test("close ends a watch", async () => {
    const server = await startService();
    const transport = grpcTransport(server.url);
    const watch = createClient(Cluster, transport).watch(hello)[Symbol.asyncIterator]();
    await watch.next();
    const next = watch.next();
    transport.close();
    await expect(next).rejects.toBeInstanceOf(ConnectError);
  });

  test("a connection that is cut ends a watch", async () => {
    const server = await startService();
    const proxy = await startProxy();
    const transport = grpcTransport(server.url, { proxy: `http://127.0.0.1:${proxy.port}` });
    const watch = createClient(Cluster, transport).watch(hello)[Symbol.asyncIterator]();
    await watch.next();
    const next = watch.next();
    proxy.cut();
    await expect(next).rejects.toBeInstanceOf(ConnectError);
    transport.close();
  });
});

test("a connection on which nothing comes any more is given up by its pings", async () => {
  const server = await startService();
  const proxy = await startProxy();
  const transport = grpcTransport(server.url, {
    proxy: `http://127.0.0.1:${proxy.port}`,
    pingIntervalMs: 20,
    pingTimeoutMs: 50,
  });
  const watch = createClient(Cluster, transport).watch(hello)[Symbol.asyncIterator]();
  await watch.next();
  const next = watch.next();
  proxy.freeze();
  expect((await errorOf(next)).message).toContain("PING timed out");
  // At once, as the client does; the connection's own error comes later, and must find a listener.
  transport.close();
});

describe("an HTTP proxy", () => {
  test("tunnels plaintext and TLS, and is told the target alone", async () => {
    const proxy = await startProxy();
    const proxyUrl = `http://127.0.0.1:${proxy.port}`;
    const plain = await startService();
    await openClient(plain.url, { proxy: proxyUrl }).hello(hello);
    const secure = await startTlsService();
    await openClient(secure.url, { proxy: proxyUrl, ca }).hello(hello);
    expect(proxy.requests).toEqual([
      { target: `127.0.0.1:${plain.port}`, authorization: undefined },
      { target: `127.0.0.1:${secure.port}`, authorization: undefined },
    ]);
  });

  test("carries the service's name to a TLS server that has several", async () => {
    const names: string[] = [];
    const server = createTlsServer({
      cert,
      key,
      ALPNProtocols: ["h2"],
      SNICallback: (name, done) => {
        names.push(name);
        done(new Error("seen"));
      },
    });
    server.on("tlsClientError", () => {}).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const proxy = `http://127.0.0.1:${(await startProxy()).port}`;
    await errorOf(openClient(`https://localhost:${port}`, { proxy }).hello(hello));
    await errorOf(openClient(`https://localhost:${port}`, { proxy: false }).hello(hello));
    const other = { proxy, serverName: "other.test" };
    await errorOf(openClient(`https://127.0.0.1:${port}`, other).hello(hello));
    expect(names).toEqual(["localhost", "localhost", "other.test"]);
  });

  test("is asked again where its connection broke", async () => {
    const proxy = await startProxy();
    const server = await startService();
    const client = openClient(server.url, { proxy: `http://127.0.0.1:${proxy.port}` });
    await client.hello(hello);
    const watch = client.watch(hello)[Symbol.asyncIterator]();
    await watch.next();
    proxy.cut();
    await errorOf(watch.next());
    await client.hello(hello);
    expect(proxy.requests).toHaveLength(2);
  });

  test("carries a watch and updates side by side, and large messages", async () => {
    const proxy = await startProxy();
    const server = await startService();
    const client = openClient(server.url, { proxy: `http://127.0.0.1:${proxy.port}` });
    const ttl = { seconds: 60n };
    const affiliateData = new Uint8Array(2048).fill(1);
    for (let i = 0; i < 1000; i++) {
      server.registry.update({
        clusterId: "cluster",
        affiliateId: `node-${i}`,
        data: affiliateData,
        endpoints: [],
        ttlMs: 60_000,
      });
    }
    const watch = client.watch(hello)[Symbol.asyncIterator]();
    expect((await watch.next()).value?.affiliates).toHaveLength(1000);
    await client.affiliateUpdate({ ...hello, affiliateId: "a", affiliateData, ttl });
    expect((await watch.next()).value?.affiliates[0]?.id).toBe("a");
  });

  test("gets the user and password of its URL, also over TLS", async () => {
    const proxy = await startProxy({ tls: { cert, key } });
    const server = await startTlsService();
    await openClient(server.url, { proxy: `https://me:p%40ss@localhost:${proxy.port}`, ca }).hello(
      hello,
    );
    expect(proxy.requests[0]?.authorization).toBe(
      `Basic ${Buffer.from("me:p@ss").toString("base64")}`,
    );
  });

  test.each(["407 Proxy Authentication Required", "502 Bad Gateway", "403 Forbidden"])(
    "that refuses is named with its answer, and without its password: %s",
    async (status) => {
      const proxy = await startProxy({ status });
      for (const url of ["http://service.test:1", "https://service.test:1"]) {
        const error = await errorOf(
          openClient(url, { proxy: `http://me:hunter2@127.0.0.1:${proxy.port}` }).hello(hello),
        );
        expect(error.message).toContain(
          `proxy http://127.0.0.1:${proxy.port} on the way to service.test:1: answered ${status}`,
        );
        expect(error.message).not.toContain("hunter2");
      }
    },
  );

  test("that does not listen is named", async () => {
    const proxy = await startConnectProxy();
    await proxy[Symbol.asyncDispose]();
    const error = await errorOf(
      openClient("http://service.test", { proxy: `http://127.0.0.1:${proxy.port}` }).hello(hello),
    );
    expect(error.message).toContain("on the way to service.test:80");
    expect(error.message).toContain("ECONNREFUSED");
  });

  test("that is silent holds nothing after the call is given up", async () => {
    const proxy = await startProxy({ silent: true });
    const transport = grpcTransport("http://service.test", {
      proxy: `http://127.0.0.1:${proxy.port}`,
    });
    const call = createClient(Cluster, transport).hello(hello, { timeoutMs: 50 });
    expect((await errorOf(call)).code).toBe(Code.DeadlineExceeded);
    transport.close();
  });

  test("is taken from the environment, for hosts that are not this machine", async () => {
    const proxy = await startProxy({ status: "403 Forbidden" });
    const env = { HTTP_PROXY: `127.0.0.1:${proxy.port}` };
    await errorOf(openClient("http://service.test", { env }).hello(hello));
    expect(proxy.requests.map(({ target }) => target)).toEqual(["service.test:80"]);
    const server = await startService();
    await openClient(server.url, { env }).hello(hello);
    expect(proxy.requests).toHaveLength(1);
  });

  test.each(["socks5://127.0.0.1:1", "http://", "::"])("that is none is refused: %s", (proxy) => {
    expect(() => grpcTransport("http://service.test", { proxy })).toThrow(
      expect.objectContaining({ code: "ERR_SERVICE_URL_INVALID" }),
    );
  });
});

describe("a DiscoveryClient over gRPC", () => {
  test("sees another node come and go, through a restart of the service", async () => {
    const port = await unusedPort();
    const first = await serve({ host: "127.0.0.1", port });
    const { url } = first;
    const options = {
      service: url,
      transport: grpcTransport,
      clusterId: "cluster",
      clusterSecret: generateClusterSecret(),
      random: () => 0,
    };
    const stop = new AbortController();
    const { signal } = stop;
    const a = new DiscoveryClient({ ...options, nodeId: "a" });
    const b = new DiscoveryClient({ ...options, nodeId: "b" });
    const running = [a.run({ signal }), b.run({ signal })];
    a.publish({ hostname: "host-a" }, { endpoints: ["10.0.0.1:51820"] });
    const changes = b.watch({ signal });
    expect((await changes.next()).value?.kind).toBe("snapshot");
    if (!b.affiliates.has("a")) await changes.next();
    expect(b.affiliates.get("a")).toMatchObject({
      hostname: "host-a",
      endpoints: ["10.0.0.1:51820"],
    });

    await first.close();
    const second = await serve({ host: "127.0.0.1", port });
    onTestFinished(() => second.close());
    a.publish({ hostname: "renamed" }, { endpoints: [] });
    await a.flush();
    for await (const change of changes) {
      if (change.kind === "updated" && change.affiliate.hostname === "renamed") break;
    }
    a.withdraw();
    await a.flush();
    const rest = b.watch({ signal });
    for await (const change of rest) {
      if (change.kind === "deleted" || b.affiliates.size === 0) break;
    }
    stop.abort();
    await Promise.all(running);
  });

  test("lets go of a service that accepts and says nothing", async () => {
    const silent = createServer();
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    const stop = new AbortController();
    const client = new DiscoveryClient({
      service: `http://127.0.0.1:${port}`,
      transport: grpcTransport,
      clusterId: "cluster",
      clusterSecret: generateClusterSecret(),
      nodeId: "a",
    });
    const accepted = once(silent, "connection");
    const running = client.run({ signal: stop.signal });
    const [socket] = (await accepted) as [Socket];
    const closed = once(socket.on("error", () => {}).resume(), "close");
    stop.abort();
    await running;
    await closed;
  });

  test("leaves nothing that keeps a process alive", async () => {
    const server = await startService();
    const program = `
      import { DiscoveryClient } from "./src/client/index.ts";
      import { grpcTransport } from "./src/node/index.ts";
      const stop = new AbortController();
      const client = new DiscoveryClient({
        service: ${JSON.stringify(server.url)}, transport: grpcTransport, clusterId: "c",
        clusterSecret: new Uint8Array(32), nodeId: "n",
      });
      client.publish({}, { endpoints: [] });
      const running = client.run({ signal: stop.signal });
      await client.flush();
      stop.abort();
      await running;
      console.log("stopped");
    `;
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], {
      cwd: new URL("../../../../", import.meta.url),
      stdio: ["ignore", "pipe", "inherit"],
      timeout: 20_000,
    });
    const started = once(child.stdout, "data");
    const [output] = (await started) as [Buffer];
    const printedAtMs = performance.now();
    const [code] = (await once(child, "exit")) as [number | null];
    expect(output.toString()).toBe("stopped\n");
    expect(code).toBe(0);
    expect(performance.now() - printedAtMs).toBeLessThan(3_000);
  });
});
