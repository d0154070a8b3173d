import type { IncomingHttpHeaders } from "node:http2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DiscoveryServer } from "../../src/node/serve.ts";
import { MemoryRegistry } from "../../src/registry/memory-registry.ts";
import { startService, TLS } from "../harness/service/test-service.ts";
import { RawConnection } from "./raw-call.ts";
import { CASES, WATCH } from "./service-cases.ts";
import { serviceSuite } from "./service-suite.ts";

serviceSuite("the fast path", (options) => startService({ ...options, fastPath: true }));
serviceSuite("Connect's handler", (options) => startService({ ...options, fastPath: false }));
serviceSuite("the fast path over TLS", (options) =>
  startService({ ...options, fastPath: true, tls: TLS }),
);
serviceSuite("Connect's handler over TLS", (options) =>
  startService({ ...options, fastPath: false, tls: TLS }),
);

describe("the fast path and Connect's handler", () => {
  const paths: string[] = [];
  let fast: DiscoveryServer;
  let slow: DiscoveryServer;
  beforeAll(async () => {
    const hooks = { onCallEnd: ({ path }: { path: string }) => void paths.push(path) };
    // A clock that stands still: nothing expires between the two.
    const open = (fastPath: boolean) =>
      startService({ fastPath, hooks, registry: new MemoryRegistry({ now: () => 0 }) });
    fast = await open(true);
    slow = await open(false);
  });
  afterAll(() => Promise.all([fast.close(), slow.close()]));

  /** gRPC's headers, whichever frame they came in; only Connect's handler sends the date. */
  function comparable(...all: readonly IncomingHttpHeaders[]): Record<string, unknown> {
    const { date: _, ...headers } = Object.assign({}, ...all);
    return { ...headers };
  }

  test("give the same answers, byte for byte", async () => {
    using toFast = new RawConnection(fast.url);
    using toSlow = new RawConnection(slow.url);
    for (const { name, method, headers, body } of CASES) {
      const [one, other] = await Promise.all(
        [toFast, toSlow].map(async (connection) => {
          const call = await connection.call(method, headers).end(body).finished();
          return { ...comparable(call.headers, call.trailers), data: call.data.toString("hex") };
        }),
      );
      expect(one, name).toEqual(other);
    }
    expect(paths.filter((path) => path === "fast").length).toBeGreaterThan(30);
    expect(paths.filter((path) => path === "fast").length).toBe(
      paths.filter((path) => path === "slow").length,
    );
  });

  test("tell watchers the same, byte for byte", async () => {
    const told = await Promise.all(
      [fast, slow].map(async ({ url, registry }) => {
        using connection = new RawConnection(url);
        const watch = connection.call("Watch").read().end(WATCH);
        await expect.poll(() => watch.messages.length).toBe(1);
        for (let i = 0; i < 10; i++) {
          registry.update({
            clusterId: "c",
            affiliateId: `é${i}`,
            data: new Uint8Array(100 * i).fill(i),
            endpoints: [new Uint8Array(16).fill(i)],
            ttlMs: 1000,
          });
        }
        await expect.poll(() => watch.messages.length).toBe(2);
        for (let i = 0; i < 10; i++) registry.delete("c", `é${i}`);
        await expect.poll(() => watch.messages.length).toBe(12);
        return watch.data.toString("hex");
      }),
    );
    expect(told[0]).toBe(told[1]);
  });
});
