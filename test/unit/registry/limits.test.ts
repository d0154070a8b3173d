import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DiscoveryError } from "../../../src/errors.ts";
import {
  checkAffiliateId,
  checkClusterId,
  checkUpdate,
  DEFAULT_REGISTRY_LIMITS,
  resolveRegistryLimits,
} from "../../../src/registry/limits.ts";
import type { UpdateRequest } from "../../../src/registry/registry.ts";
import { sealedBytes } from "./sealed-bytes.ts";

function check(changes: Partial<UpdateRequest>): void {
  checkUpdate({ clusterId: "c", affiliateId: "a", endpoints: [], ttlMs: 0, ...changes });
}

test("the defaults are the protocol's numbers", () => {
  expect(DEFAULT_REGISTRY_LIMITS).toEqual({
    maxClusterIdBytes: 256,
    maxAffiliateIdBytes: 256,
    maxAffiliateDataBytes: 2048,
    maxEndpointBytes: 32,
    maxAffiliateEndpoints: 64,
    maxClusterAffiliates: 1024,
    maxTtlMs: 1_800_000,
    maxClusters: 100_000,
    maxAffiliates: 200_000,
  });
});

describe("each limit refuses what is past its edge, in the reference's words", () => {
  test.each<[keyof UpdateRequest, unknown, unknown, string, string]>([
    ["clusterId", "c", "", "ERR_CLUSTER_ID_EMPTY", "cluster ID can't be empty"],
    [
      "clusterId",
      "c".repeat(256),
      "c".repeat(257),
      "ERR_CLUSTER_ID_TOO_LONG",
      "cluster ID is too long",
    ],
    [
      "clusterId",
      "ü".repeat(128),
      `${"ü".repeat(128)}c`,
      "ERR_CLUSTER_ID_TOO_LONG",
      "cluster ID is too long",
    ],
    ["affiliateId", "a", "", "ERR_AFFILIATE_ID_EMPTY", "affiliate ID can't be empty"],
    [
      "affiliateId",
      "a".repeat(256),
      "a".repeat(257),
      "ERR_AFFILIATE_ID_TOO_LONG",
      "affiliate ID is too long",
    ],
    [
      "affiliateId",
      "😀".repeat(64),
      `${"😀".repeat(64)}a`,
      "ERR_AFFILIATE_ID_TOO_LONG",
      "affiliate ID is too long",
    ],
    [
      "data",
      new Uint8Array(2048),
      new Uint8Array(2049),
      "ERR_AFFILIATE_DATA_TOO_BIG",
      "affiliate data is too big",
    ],
    [
      "endpoints",
      [sealedBytes(1, 32)],
      [sealedBytes(1), sealedBytes(2, 33)],
      "ERR_ENDPOINT_TOO_BIG",
      "affiliate endpoint is too big",
    ],
    ["ttlMs", 1_800_000, 1_800_000.001, "ERR_TTL_TOO_LARGE", "ttl is too large"],
    ["ttlMs", 1_800_000, Number.POSITIVE_INFINITY, "ERR_TTL_TOO_LARGE", "ttl is too large"],
    ["ttlMs", 0, -0.000001, "ERR_TTL_NEGATIVE", "ttl is negative"],
  ])("%s", (name, good, bad, code, message) => {
    expect(() => check({ [name]: good })).not.toThrow();
    expect(() => check({ [name]: bad })).toThrow(expect.objectContaining({ code, message }));
    expect(() => check({ [name]: bad })).toThrow(DiscoveryError);
  });

  test("a TTL that is not a number is the caller's mistake", () => {
    expect(() => check({ ttlMs: Number.NaN })).toThrow(RangeError);
  });
});

test("IDs are measured in bytes of UTF-8, whatever they are made of", () => {
  const limits = resolveRegistryLimits({ maxClusterIdBytes: 12, maxAffiliateIdBytes: 12 });
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 13 }), (id) => {
      const fits = new TextEncoder().encode(id).length <= 12;
      for (const checkId of [checkClusterId, checkAffiliateId]) {
        if (fits) expect(() => checkId(id, limits)).not.toThrow();
        else expect(() => checkId(id, limits)).toThrow(DiscoveryError);
      }
    }),
  );
});

test("limits are filled in, and must be positive integers", () => {
  expect(resolveRegistryLimits()).toEqual(DEFAULT_REGISTRY_LIMITS);
  expect(resolveRegistryLimits({ maxClusters: 1 })).toEqual({
    ...DEFAULT_REGISTRY_LIMITS,
    maxClusters: 1,
  });
  for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => resolveRegistryLimits({ maxClusters: value })).toThrow(
      new RangeError(
        `limits.maxClusters must be an integer from 1 to 9007199254740991, got ${value}`,
      ),
    );
  }
});
