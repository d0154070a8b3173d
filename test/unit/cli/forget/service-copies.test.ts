import { afterEach, describe, expect, test } from "vitest";
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

type Watching = ReturnType<Registry["watch"]>;

const registries: Registry[] = [];
afterEach(() => Promise.all(registries.splice(0).map((registry) => registry.close())));

/** Forgets a node at a service that deletes, and maybe watches, in its own way. */
async function forgetWith(
  deletes: (registry: Registry) => Promise<void>,
  waitMs = 0,
  watches: (registry: Registry, ...args: Parameters<Registry["watch"]>) => Watching = (
    registry,
    ...args
  ) => registry.watch(...args),
): Promise<Pick<ForgetOutcome, "result" | "error">> {
  const registry = new MemoryRegistry();
  registries.push(registry);
  await registry.update({ ...NODE, data: new Uint8Array(64) });
  const odd: Registry = {
    update: (request) => registry.update(request),
    delete: () => deletes(registry),
    list: (clusterId) => registry.list(clusterId),
    watch: (...args) => watches(registry, ...args),
    health: () => registry.health(),
    totals: () => registry.totals(),
    close: () => registry.close(),
  };
  const { result, error } = await forgetAt(
    { ...CLUSTER, transport: () => memoryTransport(odd) },
    SERVICE,
    NODE.affiliateId,
    { signal: new AbortController().signal, timeoutMs: 10_000, waitMs },
  );
  return { result, ...(error !== undefined && { error }) };
}

const remove = (registry: Registry) => registry.delete(CLUSTER.clusterId, NODE.affiliateId);

test("a node that the service lists as before is still there", async () => {
  expect(await forgetWith(async () => {})).toEqual({ result: "still there" });
});

test("a node that is gone a little later is forgotten", async () => {
  expect(
    await forgetWith(async (registry) => {
      setTimeout(() => void remove(registry), 100);
    }),
  ).toEqual({ result: "forgotten" });
});

test("a node that is there again before anybody could look is not forgotten", async () => {
  expect(
    await forgetWith(async (registry) => {
      await remove(registry);
      await registry.update({ ...NODE, data: new Uint8Array(64) });
    }),
  ).not.toEqual({ result: "forgotten" });
});

test("a service that fails to delete is a failure with its reason", async () => {
  expect(
    await forgetWith(() => {
      throw new Error("disk full");
    }),
  ).toMatchObject({ result: "failed", error: expect.any(String) });
});

test("with a wait, what other nodes do is nothing to it", async () => {
  const other = { ...NODE, affiliateId: "other", data: new Uint8Array(64) };
  const deletes = async (registry: Registry) => {
    await remove(registry);
    setTimeout(() => void registry.update(other), 50);
  };
  expect(await forgetWith(deletes, 500)).toEqual({ result: "forgotten" });
});

describe("with a wait, where the watch is cut", () => {
  /** Only the first watch works, and for as long as it is not cut. */
  function firstWatchOnly(cut: AbortSignal, others: () => Watching | undefined) {
    let isFirst = true;
    return (registry: Registry, ...[clusterId, options]: Parameters<Registry["watch"]>) => {
      const signal = isFirst ? AbortSignal.any([cut, options?.signal ?? cut]) : options?.signal;
      const other = isFirst ? undefined : others();
      isFirst = false;
      return other ?? registry.watch(clusterId, { signal });
    };
  }

  test("a node that comes back afterwards is seen by the next one", async () => {
    const cut = new AbortController();
    const deletes = async (registry: Registry) => {
      await remove(registry);
      setTimeout(async () => {
        cut.abort();
        await registry.update({ ...NODE, data: new Uint8Array(64) });
      }, 50);
    };
    const watches = firstWatchOnly(cut.signal, () => undefined);
    expect(await forgetWith(deletes, 10_000, watches)).toEqual({ result: "came back" });
  });

  test("and there is no other, nobody knows whether the node came back", async () => {
    const cut = new AbortController();
    const deletes = async (registry: Registry) => {
      await remove(registry);
      setTimeout(() => cut.abort(), 50);
    };
    const watches = firstWatchOnly(cut.signal, () => {
      throw new Error("no more watches");
    });
    expect(await forgetWith(deletes, 1000, watches)).toEqual({
      result: "forgotten",
      error: expect.stringContaining("whether it came back is not known"),
    });
  });
});
