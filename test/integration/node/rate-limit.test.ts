/**
 * The rate limit and the ceilings on watches, through sockets: whom it takes a caller for, and what that caller is told.
 */
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { describe, expect, onTestFinished, test } from "vitest";
import type { DiscoveryServer, ServeOptions } from "../../../src/node/serve.ts";
import { Cluster } from "../../../src/protocol/index.ts";
import { MemoryRegistry } from "../../../src/registry/memory-registry.ts";
import { memoryTransport } from "../../../src/server/memory-transport.ts";
import { refusalReason } from "../../../src/server/rpc/refusal-reason.ts";
import { grpcClient, startService } from "../../harness/service/test-service.ts";

/** So slow that no test waits for the next token. */
const NEVER_AGAIN = 0.0001;
/** A guard against hangs that outlasts no token. */
const timeoutMs = 20_000;

const LIMITED = expect.objectContaining({
  code: Code.ResourceExhausted,
  rawMessage: "rate limit exceeds request timeout",
});

async function start(options: ServeOptions): Promise<DiscoveryServer> {
  const server = await startService(options);
  onTestFinished(() => server.close());
  return server;
}

/** Calls until it is refused, and tells how often it was not. */
async function callsBeforeRefusal(
  url: string,
  headers: Record<string, string> = {},
): Promise<number> {
  const client = grpcClient(url);
  for (let calls = 0; ; calls++) {
    try {
      await client.hello({ clusterId: "c" }, { headers, timeoutMs });
    } catch (error) {
      expect(error).toEqual(LIMITED);
      return calls;
    }
  }
}

test("by default nobody is limited", async () => {
  const { url } = await start({});
  const client = grpcClient(url);
  await Promise.all(Array.from({ length: 200 }, () => client.hello({ clusterId: "c" })));
});

test("a client has its burst, and is then refused where the wait would outlast its deadline", async () => {
  const { url } = await start({ rateLimit: { perSecond: NEVER_AGAIN, burst: 3 } });
  expect(await callsBeforeRefusal(url)).toBe(3);
  expect(await callsBeforeRefusal(url)).toBe(0);
});

test.each([
  [
    "Hello",
    (client: ReturnType<typeof grpcClient>) => client.hello({ clusterId: "c" }, { timeoutMs }),
  ],
  [
    "AffiliateUpdate",
    (client: ReturnType<typeof grpcClient>) =>
      client.affiliateUpdate({ clusterId: "c", affiliateId: "a" }, { timeoutMs }),
  ],
  [
    "AffiliateDelete",
    (client: ReturnType<typeof grpcClient>) =>
      client.affiliateDelete({ clusterId: "c", affiliateId: "a" }, { timeoutMs }),
  ],
  [
    "List",
    (client: ReturnType<typeof grpcClient>) => client.list({ clusterId: "c" }, { timeoutMs }),
  ],
  [
    "Watch",
    async (client: ReturnType<typeof grpcClient>) => {
      for await (const _ of client.watch({ clusterId: "c" }, { timeoutMs })) break;
    },
  ],
])("%s counts, and is refused", async (method, call) => {
  const reports: unknown[] = [];
  const { url } = await start({
    rateLimit: { perSecond: NEVER_AGAIN, burst: 1 },
    hooks: {
      onCallEnd: ({ code, error, ...report }) =>
        reports.push([report.method, code, refusalReason(error)]),
    },
  });
  const client = grpcClient(url);
  await call(client);
  await expect(call(client)).rejects.toEqual(LIMITED);
  await expect(client.hello({ clusterId: "c" }, { timeoutMs })).rejects.toEqual(LIMITED);
  await expect.poll(() => reports).toContainEqual([method, "ResourceExhausted", "rate_limit"]);
});

test("every protocol has the same bucket", async () => {
  const { url } = await start({ rateLimit: { perSecond: NEVER_AGAIN, burst: 3 } });
  const transports: readonly Transport[] = [
    createConnectTransport({ baseUrl: url, httpVersion: "1.1" }),
    createGrpcWebTransport({ baseUrl: url, httpVersion: "1.1" }),
    createConnectTransport({ baseUrl: url, httpVersion: "2", useBinaryFormat: true }),
  ];
  for (const transport of transports) {
    await createClient(Cluster, transport).hello({ clusterId: "c" });
  }
  for (const transport of transports) {
    const call = createClient(Cluster, transport).hello({ clusterId: "c" }, { timeoutMs });
    await expect(call).rejects.toEqual(LIMITED);
  }
  expect(await callsBeforeRefusal(url)).toBe(0);
});

test("a call waits for its turn, in the order of arrival", async () => {
  const { url } = await start({ rateLimit: { perSecond: 50, burst: 1 } });
  const client = grpcClient(url);
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 10 }, async (_, i) => {
      await client.hello({ clusterId: "c" });
      order.push(i);
    }),
  );
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("a watch waits for its turn, and then has its snapshot", async () => {
  const { url } = await start({ rateLimit: { perSecond: 50, burst: 1 } });
  const client = grpcClient(url);
  await client.hello({ clusterId: "c" });
  for await (const { affiliates } of client.watch({ clusterId: "c" })) {
    expect(affiliates).toEqual([]);
    break;
  }
});

test("a caller that leaves while it waits frees its place", async () => {
  const reports: unknown[] = [];
  const { url } = await start({
    rateLimit: { perSecond: NEVER_AGAIN, burst: 1, maxWaitingPerClient: 1 },
    hooks: { onCallEnd: ({ method, code }) => reports.push([method, code]) },
  });
  const client = grpcClient(url);
  await client.hello({ clusterId: "c" });
  for (let round = 0; round < 3; round++) {
    const leaving = new AbortController();
    const waiting = client.list({ clusterId: "c" }, { signal: leaving.signal });
    // Refused, so the one before it does wait.
    const second = () => client.affiliateDelete({ clusterId: "c", affiliateId: "a" });
    await expect(second()).rejects.toEqual(
      expect.objectContaining({
        code: Code.ResourceExhausted,
        rawMessage: "too many calls wait for the rate limit",
      }),
    );
    leaving.abort();
    await expect(waiting).rejects.toThrow(ConnectError);
    await expect
      .poll(() => reports.filter((report) => String(report) === "List,Canceled").length)
      .toBe(round + 1);
  }
});

test("calls that wait are answered when the service stops", async () => {
  const server = await startService({ rateLimit: { perSecond: NEVER_AGAIN, burst: 1 } });
  const client = grpcClient(server.url);
  await client.hello({ clusterId: "c" });
  const waiting = client.affiliateUpdate({ clusterId: "c", affiliateId: "a" });
  // The line is one behind the other on a connection, and this one is answered at once.
  await expect(client.hello({ clusterId: "c" }, { timeoutMs })).rejects.toEqual(LIMITED);
  await Promise.all([waiting, server.close()]);
});

describe("a caller's address", () => {
  const rateLimit = { perSecond: NEVER_AGAIN, burst: 2 };
  const realIp = (address: string) => ({ "x-real-ip": address });
  const forwardedFor = (address: string) => ({ "x-forwarded-for": `${address}, 10.0.0.1` });

  test("is not what its headers say, so that nobody walks around the limit", async () => {
    const { url } = await start({ rateLimit });
    expect(await callsBeforeRefusal(url, realIp("192.0.2.1"))).toBe(2);
    expect(await callsBeforeRefusal(url, realIp("192.0.2.2"))).toBe(0);
    expect(await callsBeforeRefusal(url, forwardedFor("192.0.2.3"))).toBe(0);
  });

  test("is not what proxies say that nobody has named", async () => {
    const { url } = await start({ rateLimit, trustedProxies: ["10.0.0.0/8"] });
    expect(await callsBeforeRefusal(url, realIp("192.0.2.1"))).toBe(2);
    expect(await callsBeforeRefusal(url, realIp("192.0.2.2"))).toBe(0);
  });

  test("is what a trusted proxy says, IPv6 by its network of 64 bits", async () => {
    const { url } = await start({ rateLimit, trustedProxies: ["127.0.0.0/8"] });
    expect(await callsBeforeRefusal(url, realIp("192.0.2.1"))).toBe(2);
    expect(await callsBeforeRefusal(url, realIp("192.0.2.2"))).toBe(2);
    expect(await callsBeforeRefusal(url, forwardedFor("192.0.2.2"))).toBe(0);
    expect(await callsBeforeRefusal(url, forwardedFor("192.0.2.3"))).toBe(2);
    expect(await callsBeforeRefusal(url, realIp("::ffff:192.0.2.3"))).toBe(0);
    expect(await callsBeforeRefusal(url, realIp("2001:db8::1"))).toBe(2);
    expect(await callsBeforeRefusal(url, realIp("2001:db8::ffff:ffff:ffff:ffff"))).toBe(0);
    expect(await callsBeforeRefusal(url, realIp("2001:db8:0:1::1"))).toBe(2);
    expect(await callsBeforeRefusal(url)).toBe(2);
  });

  test("is the proxy's own where the header that it sends is switched off", async () => {
    const { url } = await start({
      rateLimit,
      trustedProxies: ["127.0.0.1"],
      trustXRealIp: false,
    });
    expect(await callsBeforeRefusal(url, forwardedFor("192.0.2.1"))).toBe(2);
    expect(await callsBeforeRefusal(url, realIp("192.0.2.2"))).toBe(2);
    expect(await callsBeforeRefusal(url, realIp("192.0.2.3"))).toBe(0);
    const other = await start({
      rateLimit,
      trustedProxies: ["127.0.0.1"],
      trustFirstXForwardedFor: false,
    });
    expect(await callsBeforeRefusal(other.url, realIp("192.0.2.1"))).toBe(2);
    expect(await callsBeforeRefusal(other.url, forwardedFor("192.0.2.2"))).toBe(2);
    expect(await callsBeforeRefusal(other.url, forwardedFor("192.0.2.3"))).toBe(0);
  });

  test("that nobody tells, as in memory, is not limited", async () => {
    const registry = new MemoryRegistry();
    onTestFinished(() => registry.close());
    const client = createClient(Cluster, memoryTransport(registry, { rateLimit }));
    for (let i = 0; i < 10; i++) await client.hello({ clusterId: "c" }, { timeoutMs });
  });
});

describe("watches", () => {
  type Client = ReturnType<typeof grpcClient>;

  /** Opens a watch and waits for its snapshot; it ends with the test, or before. */
  async function openWatch(client: Client, address: string): Promise<() => void> {
    const end = new AbortController();
    onTestFinished(() => end.abort());
    const watch = client.watch(
      { clusterId: "c" },
      { signal: end.signal, headers: { "x-real-ip": address } },
    );
    const messages = watch[Symbol.asyncIterator]();
    await messages.next();
    void messages.next().catch(() => {});
    return () => end.abort();
  }

  const refused = (rawMessage: string) =>
    expect.objectContaining({ code: Code.ResourceExhausted, rawMessage });

  test("of one client have a ceiling, which another has for itself", async () => {
    const { url, registry } = await start({
      trustedProxies: ["127.0.0.1"],
      ceilings: { maxWatchesPerClient: 2 },
    });
    const client = grpcClient(url);
    const leave = await openWatch(client, "192.0.2.1");
    await openWatch(client, "192.0.2.1");
    const tooMany = refused("too many watches of one client");
    await expect(openWatch(client, "192.0.2.1")).rejects.toEqual(tooMany);
    await openWatch(client, "192.0.2.2");
    leave();
    await expect.poll(async () => (await registry.totals()).watchers).toBe(2);
    await openWatch(client, "192.0.2.1");
    await expect(openWatch(client, "192.0.2.1")).rejects.toEqual(tooMany);
  });

  test("of all clients have a ceiling", async () => {
    const { url, registry } = await start({
      trustedProxies: ["127.0.0.1"],
      ceilings: { maxWatches: 2 },
    });
    const client = grpcClient(url);
    const leave = await openWatch(client, "192.0.2.1");
    await openWatch(client, "192.0.2.2");
    await expect(openWatch(client, "192.0.2.3")).rejects.toEqual(refused("too many watches"));
    leave();
    await expect.poll(async () => (await registry.totals()).watchers).toBe(1);
    await openWatch(client, "192.0.2.3");
  });
});

test("clusters and affiliates have ceilings, each with its own words", async () => {
  const registry = new MemoryRegistry({
    limits: { maxClusters: 2, maxAffiliates: 3 },
    shares: { clustersPercent: 0, affiliatesPercent: 0 },
  });
  onTestFinished(() => registry.close());
  const { url } = await start({ registry });
  const client = grpcClient(url);
  const update = (clusterId: string, affiliateId: string) =>
    client.affiliateUpdate({ clusterId, affiliateId, ttl: { seconds: 60n } });
  const refused = (rawMessage: string) =>
    expect.objectContaining({ code: Code.ResourceExhausted, rawMessage });
  await update("one", "a");
  await update("two", "a");
  await expect(update("three", "a")).rejects.toEqual(refused("too many clusters"));
  await update("two", "b");
  await expect(update("two", "c")).rejects.toEqual(refused("too many affiliates"));
  await update("two", "b");
});
