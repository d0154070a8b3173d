import { Code, createClient } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { Cluster } from "../../../src/protocol/index.ts";
import { MemoryRegistry } from "../../../src/registry/memory-registry.ts";
import { memoryTransport } from "../../../src/server/memory-transport.ts";
import type { CallReport } from "../../../src/server/rpc/call-report.ts";

test("the whole service answers without a network", async () => {
  const registry = new MemoryRegistry();
  const client = createClient(Cluster, memoryTransport(registry, { peerAddress: "192.0.2.1" }));
  const hello = await client.hello({ clusterId: "c" });
  expect(hello.clientIp).toEqual(new Uint8Array([192, 0, 2, 1]));

  const watch = client.watch({ clusterId: "c" })[Symbol.asyncIterator]();
  expect((await watch.next()).value).toMatchObject({ affiliates: [], deleted: false });
  await client.affiliateUpdate({
    clusterId: "c",
    affiliateId: "a",
    affiliateData: new Uint8Array([1]),
    affiliateEndpoints: [new Uint8Array([2])],
    ttl: { seconds: 60n },
  });
  const affiliate = { id: "a", data: new Uint8Array([1]), endpoints: [new Uint8Array([2])] };
  expect((await watch.next()).value).toMatchObject({ affiliates: [affiliate], deleted: false });
  expect((await client.list({ clusterId: "c" })).affiliates).toMatchObject([affiliate]);
  await client.affiliateDelete({ clusterId: "c", affiliateId: "a" });
  expect((await watch.next()).value).toMatchObject({ affiliates: [{ id: "a" }], deleted: true });

  await registry.close();
  expect(await watch.next()).toMatchObject({ done: true });
  await expect(client.list({ clusterId: "c" })).rejects.toMatchObject({ code: Code.Unavailable });
});

test("a client that leaves its watch frees the watcher", async () => {
  const registry = new MemoryRegistry();
  const { promise: ended, resolve } = Promise.withResolvers<CallReport>();
  const client = createClient(
    Cluster,
    memoryTransport(registry, { hooks: { onCallEnd: resolve } }),
  );
  const controller = new AbortController();
  const watching = (async () => {
    for await (const _ of client.watch({ clusterId: "c" }, { signal: controller.signal })) {
      expect(registry.totals().watchers).toBe(1);
      controller.abort();
    }
  })();
  await expect(watching).rejects.toMatchObject({ code: Code.Canceled });
  expect(await ended).toMatchObject({ method: "Watch", code: "Canceled", messagesSent: 1 });
  expect(registry.totals()).toMatchObject({ watchers: 0, clusters: 0 });
});

test("hooks learn how each call went, with what the caller is not told", async () => {
  const reports: CallReport[] = [];
  const started: string[] = [];
  const registry = new MemoryRegistry();
  const fault = new Error("disk full");
  const failing = Object.assign(registry, {
    delete: () => Promise.reject(fault),
  });
  const client = createClient(
    Cluster,
    memoryTransport(failing, {
      peerAddress: "::ffff:192.0.2.1",
      hooks: {
        onCallStart: (method) => started.push(method),
        onCallEnd: (report) => reports.push(report),
      },
    }),
  );
  await client.hello({ clusterId: "c", clientVersion: "v1.15.0" });
  await expect(client.list({ clusterId: "" })).rejects.toThrow("cluster ID can't be empty");
  await expect(client.affiliateDelete({ clusterId: "c", affiliateId: "a" })).rejects.toThrow(
    /^\[internal\] internal error$/,
  );
  expect(started).toEqual(["Hello", "List", "AffiliateDelete"]);
  expect(reports).toMatchObject([
    { method: "Hello", code: "OK", clientVersion: "v1.15.0", clientAddress: "192.0.2.1" },
    { method: "List", code: "InvalidArgument", messagesSent: 0 },
    { method: "AffiliateDelete", code: "Internal", affiliateId: "a", error: fault },
  ]);
});
