/**
 * The largest cluster within the limits: 1024 affiliates of 2048 bytes and 64 endpoints of 32 bytes.
 * @module
 */
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { DiscoveryServer } from "../../../src/node/serve.ts";
import { MemoryRegistry } from "../../../src/registry/memory-registry.ts";
import { grpcClient, startService } from "../../harness/service/test-service.ts";

/** What the Go client accepts. */
const GO_RECEIVE_LIMIT = 4_194_304;

const AFFILIATES = 1024;

// Dozens of megabytes take their time on a busy machine.
vi.setConfig({ testTimeout: 20_000 });

const registry = new MemoryRegistry();
let server: DiscoveryServer;
beforeAll(async () => {
  const endpoints = Array.from({ length: 64 }, (_, i) => new Uint8Array(32).fill(i));
  for (let i = 0; i < AFFILIATES; i++) {
    registry.update({
      clusterId: "full",
      affiliateId: `affiliate-${String(i).padStart(34, "0")}`,
      data: new Uint8Array(2048).fill(i),
      endpoints,
      ttlMs: 1_800_000,
    });
  }
  server = await startService({ registry, shutdownTimeoutMs: 1000 });
});
afterAll(() => server.close());

test("its snapshot comes in messages that a Go client takes, whole and in order", async () => {
  const client = grpcClient(server.url, { readMaxBytes: GO_RECEIVE_LIMIT });
  const ids: string[] = [];
  const sizes: number[] = [];
  const controller = new AbortController();
  const options = { signal: controller.signal };
  for await (const { affiliates, deleted } of client.watch({ clusterId: "full" }, options)) {
    expect(deleted).toBe(false);
    sizes.push(affiliates.length);
    for (const { id, data, endpoints } of affiliates) {
      ids.push(id);
      expect([data.length, endpoints.length]).toEqual([2048, 64]);
    }
    if (ids.length === AFFILIATES) break;
  }
  controller.abort();
  expect(sizes).toHaveLength(2);
  expect(ids).toEqual(registry.list("full").map(({ id }) => id));
});

test("its list is one message, which takes a client with a larger limit", async () => {
  const small = grpcClient(server.url, { readMaxBytes: GO_RECEIVE_LIMIT });
  await expect(small.list({ clusterId: "full" })).rejects.toMatchObject({
    code: Code.ResourceExhausted,
  });
  const large = grpcClient(server.url, { readMaxBytes: 16_777_216 });
  expect((await large.list({ clusterId: "full" })).affiliates).toHaveLength(AFFILIATES);
});

test("many watchers of one connection get it, read or not", async () => {
  const client = grpcClient(server.url);
  const controller = new AbortController();
  const watches = Array.from({ length: 8 }, () =>
    client.watch({ clusterId: "full" }, { signal: controller.signal })[Symbol.asyncIterator](),
  );
  // All have begun before any is read further: what they do not read waits in the connection.
  await Promise.all(watches.map((watch) => watch.next()));
  await client.hello({ clusterId: "full" });
  for (const watch of watches) {
    const { value } = await watch.next();
    expect(value?.affiliates.length).toBeGreaterThan(0);
  }
  controller.abort();
  await expect.poll(() => registry.totals().watchers).toBe(0);
});
