import { Code, ConnectError } from "@connectrpc/connect";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { DiscoveryClientOptions } from "../../../src/client/index.ts";
import {
  type FakeService,
  listed,
  never,
  unavailable,
  until,
} from "../../harness/service/fake-service.ts";
import { type ClientHarness, setUpHarness, TTL_MS } from "./client-harness.ts";

const harness = setUpHarness();
let service: FakeService;
let h: ClientHarness;

beforeEach(() => {
  h = harness.current;
  service = h.service;
});

describe("settled", () => {
  test("waits for the first snapshot, which is known then", async () => {
    service.snapshot = [listed("a")];
    const client = h.createClient();
    const known = client.settled().then(() => [...client.affiliates.keys()]);
    h.run(client);
    expect(await known).toEqual(["a"]);
    expect(client.status.phase).toBe("connected");
    await client.settled();
  });

  test("ends with the first failure, which the status tells", async () => {
    service.hello = async () => Promise.reject(unavailable());
    const client = h.start();
    await client.settled();
    expect(client.status).toMatchObject({
      phase: "waiting",
      lastError: { code: "ERR_SERVICE_UNAVAILABLE" },
    });
  });

  test("keeps the start of what a service says, however long", async () => {
    service.hello = () => Promise.reject(new ConnectError("no".repeat(100_000), Code.Internal));
    const client = h.start();
    await client.settled();
    expect(client.status.lastError?.message).toMatch(/^https:\/\/discovery.test:443: .*nono/);
    expect(client.status.lastError?.message.length).toBeLessThan(600);
  });

  test("ends with its signal and with the client, with their reasons", async () => {
    service.hello = never;
    const client = h.start();
    const reason = new Error("enough");
    const abort = new AbortController();
    const aborted = client.settled({ signal: abort.signal });
    abort.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    const disposed = client.settled();
    await Promise.all([
      expect(disposed).rejects.toMatchObject({ name: "AbortError" }),
      client[Symbol.asyncDispose](),
    ]);
  });
});

describe("an observer", () => {
  test("is told of the snapshot, of each change after it, and of the end of the watch", async () => {
    const told: string[] = [];
    service.snapshot = [listed("a"), listed("b")];
    const client = h.createClient(
      {},
      {
        onSnapshot: () => told.push(`snapshot ${[...client.affiliates.keys()]}`),
        onChange: (nodeId) => told.push(`${nodeId} ${client.affiliates.has(nodeId)}`),
        onDisconnect: () => told.push("disconnect"),
        onStatus: () => told.push(client.status.phase),
      },
    );
    h.run(client);
    await client.settled();
    service.watch.send(listed("c"));
    service.watch.sendDeleted("a");
    await until(() => !client.affiliates.has("a"));
    service.hello = async () => Promise.reject(unavailable());
    service.watch.fail(unavailable());
    await until(() => client.status.phase === "waiting");
    expect(told).toEqual([
      "connecting",
      "connected",
      "snapshot a,b",
      "c true",
      "a false",
      "disconnect",
      "waiting",
    ]);
  });
});

describe("connecting", () => {
  test("Hello is sent at once, with the cluster, the version and 10 s", async () => {
    h.start({ clientVersion: "v1.2.3" });
    await until(() => service.calls.length > 0);
    expect(service.calls[0]).toMatchObject({
      method: "hello",
      request: { clusterId: "cluster", clientVersion: "v1.2.3" },
    });
    expect(service.calls[0]?.timeoutMs).toBeLessThanOrEqual(10_000);
  });

  test.each([
    ["IPv4", [192, 0, 2, 7], "192.0.2.7"],
    ["IPv6", [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], "2001:db8::1"],
    ["mapped IPv4", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 7], "192.0.2.7"],
    ["nothing", [], undefined],
    ["no address", [1, 2, 3], undefined],
  ])("the public address that Hello reports is kept: %s", async (_, bytes, text) => {
    service.hello = async () => ({ clientIp: new Uint8Array(bytes) });
    const client = await h.startConnected();
    expect(client.publicAddress).toBe(text);
  });

  test("failures are followed by growing waits, and a success makes them small again", async () => {
    service.hello = async () => {
      throw unavailable();
    };
    const client = h.start();
    for (let round = 1; round <= 20; round++) {
      await until(() => h.retries.length === round);
      expect(client.status.phase).toBe("waiting");
      await vi.advanceTimersByTimeAsync(h.retries.at(-1)?.delayMs ?? 0);
    }
    expect(h.retries.slice(0, 4).map(({ delayMs }) => delayMs)).toEqual([500, 750, 1125, 1688]);
    expect(h.retries.at(-1)?.delayMs).toBe(60_000);
    expect(h.retries[0]?.error).toMatchObject({ code: "ERR_SERVICE_UNAVAILABLE" });

    service.hello = async () => ({});
    await vi.advanceTimersByTimeAsync(60_000);
    await until(() => client.status.phase === "connected");
    expect(client.status.lastError).toBeUndefined();
    service.watch.fail(unavailable());
    await until(() => client.status.phase === "waiting");
    expect(h.retries.at(-1)?.delayMs).toBe(500);
  });

  test("a Hello that hangs is given up after 10 s", async () => {
    service.hello = never;
    h.start();
    await until(() => service.calls.length === 1);
    await vi.advanceTimersByTimeAsync(9_999);
    expect(h.retries).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    await until(() => h.retries.length === 1);
    await vi.advanceTimersByTimeAsync(500);
    await until(() => service.countOf("hello") === 2);
  });

  test("a watch whose snapshot does not come is given up after 30 s", async () => {
    service.snapshot = undefined;
    const client = h.start();
    await until(() => service.watches.length === 1);
    await vi.advanceTimersByTimeAsync(30_000);
    await until(() => h.retries.length === 1);
    expect(client.status.lastError?.message).toContain("no snapshot");
    await until(() => !service.watch.isOpen);
  });

  test("each attempt has a transport of its own, which is closed after it", async () => {
    service.hello = async () => {
      throw unavailable();
    };
    h.start();
    await until(() => h.retries.length === 1);
    expect([service.transports, service.closed]).toEqual([1, 1]);
    await vi.advanceTimersByTimeAsync(500);
    await until(() => h.retries.length === 2);
    expect([service.transports, service.closed]).toEqual([2, 2]);
  });

  test("a transport that cannot be made is a failure like others", async () => {
    h.start({
      transport: () => {
        throw new TypeError("no transport");
      },
    });
    await until(() => h.retries.length === 1);
    expect(h.retries[0]?.error.message).toContain("no transport");
  });

  test.each([
    [undefined, 180_000],
    [1_800_000, 180_000],
    [100_001, 10_000],
    [60_000, 10_000],
  ])(
    "the factory is told the base URL and to ping every tenth of the TTL, every 10 s at most: %s",
    async (ttlMs, pingIntervalMs) => {
      const transport = vi.fn(() => service.transport());
      await h.startConnected({ transport, service: "grpc://Discovery.Test", ttlMs });
      expect(transport).toHaveBeenCalledWith("https://discovery.test:443", { pingIntervalMs });
    },
  );
});

describe("the end of a watch", () => {
  test("a service that shuts down is reconnected to at once, and with waits when it does so again", async () => {
    const client = await h.startConnected();
    service.watch.end();
    await until(() => service.watches.length === 2 && client.status.phase === "connected");
    expect(h.retries).toHaveLength(0);
    service.watch.end();
    await until(() => h.retries.length === 1);
    expect(service.watches).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(60_000);
    await until(() => client.status.phase === "connected");
    service.watch.end();
    await until(() => service.watches.length === 4);
    expect(h.retries).toHaveLength(1);
  });

  test("what is known stays available while the service is gone", async () => {
    service.snapshot = [listed("a", { hostname: "host-a" })];
    const client = await h.startConnected();
    service.hello = async () => {
      throw unavailable();
    };
    service.watch.fail(unavailable());
    await until(() => client.status.phase === "waiting");
    expect(client.affiliates.get("a")?.hostname).toBe("host-a");
  });

  test("a reconnect tells watchers only what is different", async () => {
    const a = listed("a");
    service.snapshot = [a, listed("b")];
    const client = await h.startConnected();
    const changes = client.watch({ signal: h.stop.signal });
    expect((await changes.next()).value).toMatchObject({ kind: "snapshot" });
    service.snapshot = [a, listed("c")];
    service.watch.end();
    const rest = [(await changes.next()).value, (await changes.next()).value];
    expect(rest).toMatchObject([
      { kind: "updated", affiliate: { nodeId: "c" } },
      { kind: "deleted", nodeId: "b" },
    ]);
    service.watch.send(listed("d"));
    expect((await changes.next()).value).toMatchObject({ affiliate: { nodeId: "d" } });
  });
});

describe("publishing", () => {
  const endpoints = ["10.0.0.1:51820"];

  test("nothing is published before there is something to publish", async () => {
    await h.startConnected();
    await vi.advanceTimersByTimeAsync(10 * TTL_MS);
    expect(service.countOf("update") + service.countOf("delete")).toBe(0);
  });

  test("an affiliate is one update with data and endpoints, others' endpoints are updates without data", async () => {
    const client = h.createClient({ ttlMs: 1_500 });
    client.publish(
      { hostname: "me" },
      { endpoints, otherEndpoints: [{ nodeId: "b", endpoints: ["10.0.0.2:51820"] }] },
    );
    h.run(client);
    await client.flush();
    const [own, other] = service.updates();
    expect(own).toMatchObject({ clusterId: "cluster", affiliateId: "self" });
    expect(own?.ttl).toMatchObject({ seconds: 1n, nanos: 500_000_000 });
    expect(own?.affiliateData?.length).toBeGreaterThan(28);
    expect(own?.affiliateEndpoints).toHaveLength(1);
    expect(other?.affiliateId).toBe("b");
    expect(other?.affiliateData).toBeUndefined();
    expect(other?.affiliateEndpoints).toHaveLength(1);
    expect(service.updates()).toHaveLength(2);
  });

  test("a change is published at once, the same again is not", async () => {
    const client = await h.startConnected();
    client.publish({ hostname: "me" }, { endpoints });
    await client.flush();
    client.publish(
      { nodeId: "self", hostname: "me", addresses: [] },
      { endpoints: [...endpoints] },
    );
    await client.flush();
    expect(service.updates()).toHaveLength(1);
    client.publish({ hostname: "me too" }, { endpoints });
    await client.flush();
    expect(service.updates()).toHaveLength(2);
  });

  test("data is sealed again only where it has changed", async () => {
    const client = await h.startConnected();
    client.publish({ hostname: "me" }, { endpoints });
    await client.flush();
    client.publish({ hostname: "me" }, { endpoints: ["10.0.0.9:51820"] });
    await client.flush();
    client.publish({ hostname: "you" }, { endpoints });
    await client.flush();
    const [first, second, third] = service.updates();
    expect(second?.affiliateData).toEqual(first?.affiliateData);
    expect(second?.affiliateEndpoints).not.toEqual(first?.affiliateEndpoints);
    expect(third?.affiliateData).not.toEqual(first?.affiliateData);
  });

  test("a refresh at half the TTL repeats the same bytes", async () => {
    const client = await h.startConnected();
    client.publish({ hostname: "me" }, { endpoints });
    await client.flush();
    await vi.advanceTimersByTimeAsync(TTL_MS / 2 - 1);
    expect(service.updates()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    await until(() => service.updates().length === 2);
    expect(service.updates()[1]).toEqual(service.updates()[0]);
  });

  test("every reconnect publishes again", async () => {
    const client = await h.startConnected();
    client.publish({ hostname: "me" }, { endpoints });
    await client.flush();
    service.watch.end();
    await until(() => service.updates().length === 2);
    expect(service.updates()[1]).toEqual(service.updates()[0]);
  });

  test("a failed update starts over from Hello, watch included", async () => {
    const client = await h.startConnected();
    let failures = 1;
    service.update = async () => {
      if (failures-- > 0) throw unavailable();
    };
    client.publish({ hostname: "me" }, { endpoints });
    await until(() => h.retries.length === 1);
    await until(() => service.watches[0]?.isOpen === false);
    await vi.advanceTimersByTimeAsync(500);
    await client.flush();
    expect(service.countOf("hello")).toBe(2);
    expect(service.watches).toHaveLength(2);
  });

  test("waits grow while updates fail, though the watch works, until one is accepted", async () => {
    const client = h.createClient();
    client.publish({ hostname: "me" }, { endpoints });
    service.update = async () => {
      await until(() => client.status.phase === "connected");
      throw unavailable();
    };
    h.run(client);
    for (let round = 1; round <= 3; round++) {
      await until(() => h.retries.length === round);
      if (round === 3) service.update = async () => {};
      await vi.advanceTimersByTimeAsync(h.retries.at(-1)?.delayMs ?? 0);
    }
    await client.flush();
    service.watch.fail(unavailable());
    await until(() => h.retries.length === 4);
    expect(h.retries.map(({ delayMs }) => delayMs)).toEqual([500, 750, 1125, 500]);
  });

  test("a round of updates is given up after 30 s", async () => {
    const client = await h.startConnected();
    service.update = never;
    client.publish({ hostname: "me" }, { endpoints });
    await until(() => service.countOf("update") === 1);
    await vi.advanceTimersByTimeAsync(29_999);
    expect(h.retries).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    await until(() => h.retries.length === 1);
  });

  test("the updates of a round have its 30 s together", async () => {
    const client = await h.startConnected();
    const first = Promise.withResolvers<void>();
    service.update = () => first.promise;
    const otherEndpoints = [{ nodeId: "b", endpoints }];
    client.publish({ hostname: "me" }, { endpoints, otherEndpoints });
    await until(() => service.countOf("update") === 1);
    await vi.advanceTimersByTimeAsync(20_000);
    service.update = never;
    first.resolve();
    await until(() => service.countOf("update") === 2);
    expect(service.calls.at(-1)?.timeoutMs).toBeLessThanOrEqual(10_000);
    await vi.advanceTimersByTimeAsync(10_000);
    await until(() => h.retries.length === 1);
  });

  test("a TTL that is not given is 30 minutes", async () => {
    const client = await h.startConnected({ ttlMs: undefined });
    client.publish({ hostname: "me" }, { endpoints });
    await client.flush();
    expect(service.updates()[0]?.ttl).toMatchObject({ seconds: 1800n, nanos: 0 });
  });

  test("a withdrawal takes publishing's place until the next publish", async () => {
    const client = await h.startConnected();
    client.publish({ hostname: "me" }, { endpoints });
    await client.flush();
    client.withdraw();
    await client.flush();
    expect(service.calls.at(-1)).toMatchObject({
      method: "delete",
      request: { clusterId: "cluster", affiliateId: "self" },
    });
    await vi.advanceTimersByTimeAsync(TTL_MS);
    expect(service.updates()).toHaveLength(1);
    client.publish({ hostname: "me" }, { endpoints });
    await client.flush();
    expect(service.updates()).toHaveLength(2);
  });

  test("flush resolves at once where nothing was set, and rejects when its signal aborts", async () => {
    const client = h.createClient();
    await client.flush();
    client.publish({}, { endpoints: [] });
    const abort = new AbortController();
    const flushed = client.flush({ signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(flushed).rejects.toThrow("enough");
  });

  test.each<[string, () => void, string | typeof TypeError]>([
    [
      "another's node ID",
      () => h.createClient().publish({ nodeId: "b" }, { endpoints }),
      TypeError,
    ],
    [
      "our own ID among the others",
      () =>
        h
          .createClient()
          .publish({}, { endpoints, otherEndpoints: [{ nodeId: "self", endpoints }] }),
      TypeError,
    ],
    [
      "an IP that is none",
      () => h.createClient().publish({ addresses: ["x"] }, { endpoints }),
      "ERR_ADDRESS_INVALID",
    ],
    [
      "an endpoint that is none",
      () => h.createClient().publish({}, { endpoints: ["x"] }),
      "ERR_ENDPOINT_INVALID",
    ],
    [
      "data that seals to over 2048 bytes",
      () => h.createClient().publish({ hostname: "x".repeat(2048) }, { endpoints }),
      "ERR_AFFILIATE_DATA_TOO_BIG",
    ],
    [
      "65 endpoints",
      () =>
        h
          .createClient()
          .publish({}, { endpoints: Array.from({ length: 65 }, (_, i) => `10.0.0.1:${i + 1}`) }),
      "ERR_TOO_MANY_ENDPOINTS",
    ],
    [
      "an endpoint with a zone, over 32 bytes",
      () => h.createClient().publish({}, { endpoints: ["[fe80::1%a-rather-long-zone]:51820"] }),
      "ERR_ENDPOINT_TOO_BIG",
    ],
  ])("refused at once: %s", (_, publish, expected) => {
    expect(publish).toThrow(
      typeof expected === "string" ? expect.objectContaining({ code: expected }) : expected,
    );
  });

  test("a refused publish has changed nothing", async () => {
    const client = await h.startConnected();
    client.publish({ hostname: "me" }, { endpoints });
    await client.flush();
    expect(() => client.publish({ hostname: "you" }, { endpoints: ["x"] })).toThrow();
    await vi.advanceTimersByTimeAsync(TTL_MS / 2);
    await until(() => service.updates().length === 2);
    expect(service.updates()[1]).toEqual(service.updates()[0]);
  });
});

describe("stopping", () => {
  test("an abort ends run without an error, with the streams cancelled", async () => {
    const client = await h.startConnected();
    client.publish({}, { endpoints: [] });
    await client.flush();
    h.stop.abort();
    await h.running;
    expect(client.status.phase).toBe("stopped");
    await until(() => !service.watch.isOpen);
    expect(service.closed).toBe(service.transports);
    expect(service.countOf("delete")).toBe(0);
  });

  test.each([
    ["Hello hangs", () => (service.hello = never)],
    ["the snapshot does not come", () => (service.snapshot = undefined)],
    [
      "it waits for the next attempt",
      () =>
        (service.hello = async () => {
          throw unavailable();
        }),
    ],
  ])("an abort ends run while %s", async (_, arrange) => {
    arrange();
    const client = h.start();
    await until(
      () => service.watches.length > 0 || h.retries.length > 0 || service.hello === never,
    );
    h.stop.abort();
    await h.running;
    expect(client.status.phase).toBe("stopped");
  });

  test("an aborted signal sends nothing", async () => {
    h.stop.abort();
    h.start();
    await h.running;
    expect(service.transports).toBe(0);
  });

  test("run may run again, but not twice at once", async () => {
    const client = await h.startConnected();
    await expect(client.run()).rejects.toThrow(TypeError);
    h.stop.abort();
    await h.running;
    h.stop = new AbortController();
    h.run(client);
    await until(() => client.status.phase === "connected");
  });

  test("no listener stays on the caller's signal", async () => {
    const add = vi.spyOn(h.stop.signal, "addEventListener");
    const remove = vi.spyOn(h.stop.signal, "removeEventListener");
    const client = h.createClient();
    h.run(client);
    await until(() => client.status.phase === "connected");
    const changes = client.watch({ signal: h.stop.signal });
    await changes.next();
    await changes.return();
    await client.flush({ signal: h.stop.signal });
    await client[Symbol.asyncDispose]();
    await h.running;
    expect(remove.mock.calls.length).toBe(add.mock.calls.length);
  });

  test("disposal stops run and ends every watch", async () => {
    const client = await h.startConnected();
    const changes = client.watch();
    await changes.next();
    const next = changes.next();
    await client[Symbol.asyncDispose]();
    expect(await next).toMatchObject({ done: true });
    await h.running;
    await expect(client.run()).rejects.toThrow(TypeError);
  });
});

describe("callbacks", () => {
  test("those that throw do not end the loop", async () => {
    const broken = () => {
      throw new Error("mine");
    };
    let failures = 1;
    service.hello = async () => {
      if (failures-- > 0) throw unavailable();
      return {};
    };
    service.snapshot = [{ id: "a", data: new Uint8Array(3) }];
    const client = h.start({ onRetry: broken, onDrop: broken, log: broken });
    await until(() => client.status.phase === "waiting");
    await vi.advanceTimersByTimeAsync(500);
    await until(() => client.status.phase === "connected");
  });
});

describe("options", () => {
  test.each<[string, Partial<DiscoveryClientOptions>, string | typeof RangeError]>([
    ["an empty cluster ID", { clusterId: "" }, RangeError],
    ["a cluster ID of 257 bytes", { clusterId: "x".repeat(257) }, RangeError],
    ["an empty node ID", { nodeId: "" }, RangeError],
    ["a TTL of 0", { ttlMs: 0 }, RangeError],
    ["a TTL over 30 minutes", { ttlMs: 1_800_001 }, RangeError],
    ["a TTL that is no number", { ttlMs: Number.NaN }, RangeError],
    ["a service that is no URL", { service: "discovery" }, "ERR_SERVICE_URL_INVALID"],
    ["a secret that is none", { clusterSecret: "c2hvcnQ=" }, "ERR_SECRET_INVALID"],
  ])("refused: %s", (_, options, expected) => {
    expect(() => h.createClient(options)).toThrow(
      typeof expected === "string" ? expect.objectContaining({ code: expected }) : expected,
    );
  });
});
