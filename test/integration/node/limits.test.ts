/**
 * Every limit of the service, on both sides of its edge, through gRPC.
 * @module
 */
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DiscoveryServer } from "../../../src/node/serve.ts";
import { grpcClient, startService } from "../../harness/service/test-service.ts";

let server: DiscoveryServer;
let client: ReturnType<typeof grpcClient>;
beforeAll(async () => {
  server = await startService();
  client = grpcClient(server.url);
});
afterAll(() => server.close());

const ttl = { seconds: 60n };

function refused(code: Code, text: string) {
  return expect.objectContaining({ code, rawMessage: text });
}

describe.each([
  ["Hello", (clusterId: string) => client.hello({ clusterId })],
  [
    "AffiliateUpdate",
    (clusterId: string) => client.affiliateUpdate({ clusterId, affiliateId: "a", ttl }),
  ],
  [
    "AffiliateDelete",
    (clusterId: string) => client.affiliateDelete({ clusterId, affiliateId: "a" }),
  ],
  ["List", (clusterId: string) => client.list({ clusterId })],
  [
    "Watch",
    async (clusterId: string) => {
      for await (const _ of client.watch({ clusterId })) break;
    },
  ],
])("the cluster ID of %s", (_method, call) => {
  test("has 1 to 256 bytes", async () => {
    await call("c");
    await call("c".repeat(256));
    await call("é".repeat(128));
  });

  test("is not empty", async () => {
    await expect(call("")).rejects.toEqual(
      refused(Code.InvalidArgument, "cluster ID can't be empty"),
    );
  });

  test("has no 257 bytes, counted as UTF-8", async () => {
    const tooLong = refused(Code.InvalidArgument, "cluster ID is too long");
    await expect(call("c".repeat(257))).rejects.toEqual(tooLong);
    await expect(call(`${"é".repeat(128)}c`)).rejects.toEqual(tooLong);
  });
});

describe.each([
  [
    "AffiliateUpdate",
    (affiliateId: string) => client.affiliateUpdate({ clusterId: "ids", affiliateId, ttl }),
  ],
  [
    "AffiliateDelete",
    (affiliateId: string) => client.affiliateDelete({ clusterId: "ids", affiliateId }),
  ],
])("the affiliate ID of %s", (_method, call) => {
  test("has 1 to 256 bytes", async () => {
    await call("a");
    await call("a".repeat(256));
    await call("é".repeat(128));
  });

  test("is not empty", async () => {
    await expect(call("")).rejects.toEqual(
      refused(Code.InvalidArgument, "affiliate ID can't be empty"),
    );
  });

  test("has no 257 bytes, counted as UTF-8", async () => {
    const tooLong = refused(Code.InvalidArgument, "affiliate ID is too long");
    await expect(call("a".repeat(257))).rejects.toEqual(tooLong);
    await expect(call(`${"é".repeat(128)}a`)).rejects.toEqual(tooLong);
  });
});

test("affiliate data has at most 2048 bytes", async () => {
  const update = (bytes: number) =>
    client.affiliateUpdate({
      clusterId: "data",
      affiliateId: "a",
      affiliateData: new Uint8Array(bytes),
      ttl,
    });
  await update(2048);
  await expect(update(2049)).rejects.toEqual(
    refused(Code.InvalidArgument, "affiliate data is too big"),
  );
  await expect(update(15_000)).rejects.toEqual(
    refused(Code.InvalidArgument, "affiliate data is too big"),
  );
});

test("an endpoint has at most 32 bytes", async () => {
  const update = (bytes: number) =>
    client.affiliateUpdate({
      clusterId: "endpoint",
      affiliateId: "a",
      affiliateEndpoints: [new Uint8Array(bytes)],
      ttl,
    });
  await update(32);
  await expect(update(33)).rejects.toEqual(
    refused(Code.InvalidArgument, "affiliate endpoint is too big"),
  );
});

describe("endpoints of one affiliate", () => {
  const endpoints = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => new Uint8Array([(from + i) >> 8, from + i]));
  const update = (affiliateId: string, affiliateEndpoints: Uint8Array[]) =>
    client.affiliateUpdate({ clusterId: "endpoints", affiliateId, affiliateEndpoints, ttl });
  const tooMany = refused(Code.ResourceExhausted, "too many endpoints in the affiliate");

  test("are at most 64 in one request", async () => {
    await update("one", endpoints(0, 64));
    await expect(update("two", endpoints(0, 65))).rejects.toEqual(tooMany);
  });

  test("are at most 64 of all requests, and one too many changes nothing", async () => {
    await update("sum", endpoints(0, 63));
    await expect(update("sum", endpoints(62, 3))).rejects.toEqual(tooMany);
    await update("sum", endpoints(63, 1));
    await update("sum", endpoints(0, 64));
    await expect(update("sum", endpoints(64, 1))).rejects.toEqual(tooMany);
    const { affiliates } = await client.list({ clusterId: "endpoints" });
    expect(affiliates.find(({ id }) => id === "sum")?.endpoints).toEqual(endpoints(0, 64));
  });
});

test("a cluster has at most 1024 affiliates", async () => {
  const update = (i: number) =>
    client.affiliateUpdate({ clusterId: "full", affiliateId: `a${i}`, ttl });
  for (let i = 0; i < 1024; i += 64) {
    await Promise.all(Array.from({ length: 64 }, (_, j) => update(i + j)));
  }
  await expect(update(1024)).rejects.toEqual(
    refused(Code.ResourceExhausted, "too many affiliates in the cluster"),
  );
  await update(1023);
  expect((await client.list({ clusterId: "full" })).affiliates).toHaveLength(1024);
});

describe("the TTL", () => {
  const update = (ttl: { seconds?: bigint; nanos?: number } | undefined) =>
    client.affiliateUpdate({ clusterId: "ttl", affiliateId: "a", ttl });

  test("is at most 30 minutes, to the nanosecond", async () => {
    await update({ seconds: 1800n });
    await update({ seconds: 1799n, nanos: 999_999_999 });
    const tooLarge = refused(Code.InvalidArgument, "ttl is too large");
    await expect(update({ seconds: 1800n, nanos: 1 })).rejects.toEqual(tooLarge);
    await expect(update({ seconds: 2n ** 63n - 1n, nanos: 999_999_999 })).rejects.toEqual(tooLarge);
  });

  test("is not negative", async () => {
    await update({ seconds: 0n });
    await update(undefined);
    const negative = refused(Code.InvalidArgument, "ttl is negative");
    await expect(update({ nanos: -1 })).rejects.toEqual(negative);
    await expect(update({ seconds: -(2n ** 63n) })).rejects.toEqual(negative);
  });
});
