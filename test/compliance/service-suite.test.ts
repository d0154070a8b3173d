import type { IncomingHttpHeaders } from "node:http2";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { DiscoveryServer, ServeOptions } from "../../src/node/serve.ts";
import { HelloRequestSchema } from "../../src/protocol/index.ts";
import { MemoryRegistry } from "../../src/registry/memory-registry.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { startService, TLS } from "../harness/service/test-service.ts";
import { casesOf, FORMATS, type FormatCase, inFormat } from "./format-cases.ts";
import { RawConnection } from "./raw-call.ts";
import { request, WATCH } from "./service-cases.ts";
import { serviceSuite } from "./service-suite.ts";

serviceSuite("the fast path", (options) => startService({ ...options, fastPath: true }));
serviceSuite("Connect's handler", (options) => startService({ ...options, fastPath: false }));
serviceSuite("the fast path over TLS", (options) =>
  startService({ ...options, fastPath: true, tls: TLS }),
);
serviceSuite("Connect's handler over TLS", (options) =>
  startService({ ...options, fastPath: false, tls: TLS }),
);

/** Does not answer for one cluster, until the caller leaves. */
class StuckRegistry extends MemoryRegistry {
  constructor() {
    // A clock that stands still: nothing expires between the two.
    super({ now: () => 0 });
  }

  override list(clusterId: string, { signal }: { signal?: AbortSignal } = {}): never {
    const views = super.list(clusterId);
    if (clusterId !== "slow") return views as never;
    const answer = new Promise((_, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    // The declared type of a registry in memory has no promise.
    return answer as never;
  }
}

describe("the fast path and Connect's handler", () => {
  const paths = { fast: [] as string[], slow: [] as string[] };
  let fast: DiscoveryServer;
  let slow: DiscoveryServer;

  function open(fastPath: boolean, options: ServeOptions = {}): Promise<DiscoveryServer> {
    const seen = paths[fastPath ? "fast" : "slow"];
    const hooks = { onCallEnd: ({ path }: { path: string }) => void seen.push(path) };
    const allowCluster = (id: string) => id !== "closed";
    const registry = new StuckRegistry();
    return startService({ fastPath, hooks, registry, allowCluster, ...options });
  }

  beforeAll(async () => {
    fast = await open(true);
    slow = await open(false);
  });
  afterAll(() => Promise.all([fast.close(), slow.close()]));

  /** Whichever frame they came in; only Connect's handler sends the date. */
  function comparable(...all: readonly IncomingHttpHeaders[]): Record<string, unknown> {
    const { date: _, ...headers } = Object.assign({}, ...all);
    return { ...headers };
  }

  async function answers(example: FormatCase, connections: readonly RawConnection[]) {
    const { method, headers, body } = example;
    return await Promise.all(
      connections.map(async (connection) => {
        const call = await connection.call(method, headers).end(body).finished();
        const data = call.data.toString("latin1");
        return { ...comparable(call.headers, call.trailers), data, reset: call.stream.rstCode };
      }),
    );
  }

  test.each(FORMATS)("give the same answers as $name, byte for byte", async (format) => {
    using toFast = new RawConnection(fast.url);
    using toSlow = new RawConnection(slow.url);
    paths.fast.length = 0;
    paths.slow.length = 0;
    for (const example of casesOf(format)) {
      const [one, other] = await answers(example, [toFast, toSlow]);
      expect(one, example.name).toEqual(other);
    }
    expect(new Set(paths.fast)).toEqual(new Set(["fast"]));
    expect(new Set(paths.slow)).toEqual(new Set(["slow"]));
    expect(paths.fast.length).toBe(paths.slow.length);
  });

  test.each([
    ["no origin may", []],
    ["one origin may", ["https://page.example"]],
    ["all origins may", "*"],
  ] as const)("give the same headers to web pages if %s", async (_which, corsOrigins) => {
    const refused: [string[], string[]] = [[], []];
    const [ours, theirs] = await Promise.all(
      [true, false].map((fastPath, i) =>
        open(fastPath, {
          corsOrigins,
          hooks: {
            onRefused: (reason, details) => {
              refused[i]?.push(`${reason} ${details?.origin} ${details?.clientAddress}`);
            },
          },
        }),
      ) as [Promise<DiscoveryServer>, Promise<DiscoveryServer>],
    );
    onTestFinished(async () => void (await Promise.all([ours.close(), theirs.close()])));
    using toFast = new RawConnection(ours.url);
    using toSlow = new RawConnection(theirs.url);
    for (const format of FORMATS) {
      const method = format.carries === "watches" ? "Watch" : "Hello";
      for (const origin of [undefined, "https://page.example", "https://other.example", "null"]) {
        for (const clusterId of method === "Watch" ? ["", "closed"] : ["c", "", "closed"]) {
          const body = inFormat(request(HelloRequestSchema, { clusterId }), "Hello", format);
          const page = {
            ...(origin !== undefined && { origin }),
            ...(origin === "null" && { "sec-fetch-site": "same-origin" }),
          };
          const headers = { "content-type": format.contentType, ...page };
          const name = `${format.name} ${origin} ${clusterId}`;
          const [one, other] = await answers({ name, method, body, headers }, [toFast, toSlow]);
          expect(one, name).toEqual(other);
        }
      }
    }
    expect(refused[0]).toEqual(refused[1]);
  });

  test.each(FORMATS.filter(({ carries }) => carries !== "unary"))(
    "tell watchers the same as $name, byte for byte",
    async (format) => {
      const told = await Promise.all(
        [true, false].map(async (fastPath) => {
          const server = await open(fastPath);
          const { registry, url } = server;
          using connection = new RawConnection(url);
          const { contentType, isJson } = format;
          const watch = connection.call("Watch", { "content-type": contentType }).read();
          watch.end(inFormat(WATCH, "Watch", format));
          const text = () => watch.data.toString("latin1");
          await expect.poll(() => envelopesOf(watch.data)).toBe(1);
          fillWith(registry, "c");
          await expect.poll(() => envelopesOf(watch.data)).toBe(2);
          for (let i = 0; i < 10; i++) registry.delete("c", `é${i}`);
          await expect.poll(() => envelopesOf(watch.data)).toBe(12);
          expect(text().includes('"affiliates"')).toBe(isJson);
          await server.close();
          await watch.finished();
          return { ...comparable(watch.headers, watch.trailers), data: text() };
        }),
      );
      expect(told[0]).toEqual(told[1]);
      // Its snapshot, changes, and the end.
      expect(String(told[0]?.data).length).toBeGreaterThan(4500);
    },
  );

  test.each(FORMATS.filter(({ carries }) => carries !== "watches"))(
    "list the same as $name, byte for byte",
    async (format) => {
      using toFast = new RawConnection(fast.url);
      using toSlow = new RawConnection(slow.url);
      for (const [clusterId, rounds] of [
        ["few", 1],
        ["many", 30],
      ] as const) {
        for (let i = 0; i < rounds; i++) {
          for (const { registry } of [fast, slow]) fillWith(registry, clusterId, `${i}-`);
        }
        const body = inFormat(request(HelloRequestSchema, { clusterId }), "List", format);
        const headers = { "content-type": format.contentType };
        const call = { name: clusterId, method: "List", body, headers };
        const [one, other] = await answers(call, [toFast, toSlow]);
        expect(one).toEqual(other);
        expect(one?.data.length).toBeGreaterThan(rounds * 4500);
      }
    },
  );
});

/** How many envelopes have come whole. */
function envelopesOf(data: Buffer): number {
  let count = 0;
  for (let at = 0; at + 5 <= data.length; count++) {
    at += 5 + data.readUInt32BE(at + 1);
    if (at > data.length) break;
  }
  return count;
}

function fillWith(registry: Registry, clusterId: string, prefix = ""): void {
  for (let i = 0; i < 10; i++) {
    void registry.update({
      clusterId,
      affiliateId: `${prefix}é${i}`,
      data: new Uint8Array(100 * i).fill(i),
      endpoints: [new Uint8Array(16).fill(i)],
      ttlMs: 1000,
    });
  }
}
