import { afterEach, expect, test } from "vitest";
import { type ForgetOutcome, forgetAt } from "../../../../src/cli/forget/service-copies.ts";
import {
  createClusterCipher,
  generateClusterId,
  generateClusterSecret,
} from "../../../../src/crypto/index.ts";
import { MemoryRegistry, type Registry } from "../../../../src/registry/index.ts";
import { memoryTransport } from "../../../../src/server/index.ts";

const CLUSTER = {
  clusterId: generateClusterId(),
  cipher: createClusterCipher(generateClusterSecret()),
};
const SERVICE = { name: "memory", url: "http://memory", host: "memory:80" };
const NODE = { clusterId: CLUSTER.clusterId, affiliateId: "node", endpoints: [], ttlMs: 60_000 };

const registries: Registry[] = [];
afterEach(() => Promise.all(registries.splice(0).map((registry) => registry.close())));

/** Forgets a node at a service that deletes in its own way. */
async function forgetWith(
  deletes: (registry: Registry) => Promise<void>,
  waitMs = 0,
): Promise<ForgetOutcome["result"]> {
  const registry = new MemoryRegistry();
  registries.push(registry);
  await registry.update({ ...NODE, data: new Uint8Array(64) });
  const odd: Registry = {
    update: (request) => registry.update(request),
    delete: () => deletes(registry),
    list: (clusterId) => registry.list(clusterId),
    watch: (...args) => registry.watch(...args),
    health: () => registry.health(),
    totals: () => registry.totals(),
    close: () => registry.close(),
  };
  const { result } = await forgetAt(
    { ...CLUSTER, transport: () => memoryTransport(odd) },
    SERVICE,
    NODE.affiliateId,
    { signal: new AbortController().signal, timeoutMs: 10_000, waitMs },
  );
  return result;
}

const remove = (registry: Registry) => registry.delete(CLUSTER.clusterId, NODE.affiliateId);

test("a node that the service lists as before is still there", async () => {
  expect(await forgetWith(async () => {})).toBe("still there");
});

test("a node that is gone a little later is forgotten", async () => {
  expect(
    await forgetWith(async (registry) => {
      setTimeout(() => void remove(registry), 100);
    }),
  ).toBe("forgotten");
});

test("a node that is there again before anybody could look is not forgotten", async () => {
  expect(
    await forgetWith(async (registry) => {
      await remove(registry);
      await registry.update({ ...NODE, data: new Uint8Array(64) });
    }),
  ).not.toBe("forgotten");
});

test("a service that fails to delete is a failure with its reason", async () => {
  expect(
    await forgetWith(() => {
      throw new Error("disk full");
    }),
  ).toBe("failed");
});
