/**
 * What a caller over gRPC sees, whichever way its call takes through the service.
 * @module
 */
import { once } from "node:events";
import { gzipSync } from "node:zlib";
import { fromBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { DiscoveryServer, ServeOptions } from "../../src/node/serve.ts";
import {
  HelloResponseSchema,
  ListRequestSchema,
  ListResponseSchema,
  WatchRequestSchema,
  type WatchResponse,
} from "../../src/protocol/index.ts";
import { MemoryRegistry } from "../../src/registry/memory-registry.ts";
import type { AffiliateView, UpdateRequest } from "../../src/registry/registry.ts";
import type { CallReport } from "../../src/server/rpc/call-report.ts";
import { frame } from "../harness/service/test-service.ts";
import { RawConnection } from "./raw-call.ts";
import { CASES, HELLO, LIST, request, UPDATE, updateOf, WATCH } from "./service-cases.ts";

/** Starts the service in the way that is to be tried. */
export type StartService = (options?: ServeOptions) => Promise<DiscoveryServer>;

const MINUTE_MS = 60_000;

/** A registry whose answers come when the test says so, or never. */
class SlowRegistry extends MemoryRegistry {
  /** Aborted signals of calls. */
  readonly aborted: unknown[] = [];
  readonly #release: (() => void)[] = [];

  get waiting(): number {
    return this.#release.length;
  }

  release(): void {
    for (const go of this.#release.splice(0)) go();
  }

  override list(clusterId: string, { signal }: { signal?: AbortSignal } = {}): never {
    const views = super.list(clusterId);
    const answer = new Promise<readonly AffiliateView[]>((resolve) => {
      this.#release.push(() => resolve(views));
      signal?.addEventListener("abort", () => this.aborted.push(signal.reason), { once: true });
    });
    // The declared type of a registry in memory has no promise.
    return answer as never;
  }
}

function fill(registry: MemoryRegistry, affiliates: number, update: Partial<UpdateRequest>): void {
  for (let i = 0; i < affiliates; i++) {
    const base = { clusterId: "c", affiliateId: `a${i}`, endpoints: [], ttlMs: MINUTE_MS };
    registry.update({ ...base, ...update });
  }
}

/** The state that a node builds up from a watch. */
function known(messages: readonly WatchResponse[]): Map<string, number | undefined> {
  const state = new Map<string, number | undefined>();
  for (const { affiliates, deleted } of messages) {
    for (const { id, data } of affiliates) {
      if (deleted) state.delete(id);
      else state.set(id, data[0]);
    }
  }
  return state;
}

export function serviceSuite(name: string, start: StartService): void {
  describe(name, () => {
    let server: DiscoveryServer;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server.close());

    describe("a call", () => {
      test.each(CASES)("with $name is answered with status $status", async (example) => {
        using connection = new RawConnection(server.url);
        const call = connection.call(example.method, example.headers).end(example.body);
        await call.finished();
        expect(call.headers[":status"]).toBe(200);
        expect(call.headers["content-type"]).toBe("application/grpc+proto");
        expect(call.status).toBe(String(example.status));
      });

      test("is answered however its message is split over frames", async () => {
        using connection = new RawConnection(server.url);
        const body = updateOf({ clusterId: "split", affiliateData: new Uint8Array(200) });
        const call = connection.call("AffiliateUpdate");
        for (let at = 0; at < body.length; at += 3) await call.send(body.subarray(at, at + 3));
        expect((await call.end().finished()).status).toBe("0");
        expect(await server.registry.list("split")).toHaveLength(1);
      });

      test("counts only when its caller has closed its half", async () => {
        using connection = new RawConnection(server.url);
        const call = connection.call("AffiliateUpdate");
        await call.send(updateOf({ clusterId: "half" }));
        // What is sent on a connection later is read later.
        await connection.call("Hello").end(HELLO).finished();
        expect(await server.registry.list("half")).toHaveLength(0);
        expect((await call.end().finished()).status).toBe("0");
        expect(await server.registry.list("half")).toHaveLength(1);
      });

      test("whose caller resets it before its end changes nothing", async () => {
        using connection = new RawConnection(server.url);
        const call = connection.call("AffiliateUpdate");
        await call.send(updateOf({ clusterId: "reset" }).subarray(0, -1));
        call.stream.close(8);
        await call.finished();
        await connection.call("Hello").end(HELLO).finished();
        expect(await server.registry.list("reset")).toHaveLength(0);
      });

      test("that stops in the middle is given up", async () => {
        await using own = await start({ bodyTimeoutMs: 100 });
        using connection = new RawConnection(own.url);
        const call = await connection.call("Hello").send(HELLO.subarray(0, 6));
        expect((await call.finished()).status).toBe(String(Code.DeadlineExceeded));
      });

      test("that stops in the middle is given up at its deadline", async () => {
        await using own = await start({ bodyTimeoutMs: 1000 });
        using connection = new RawConnection(own.url);
        const call = await connection
          .call("Hello", { "grpc-timeout": "50m" })
          .send(HELLO.subarray(0, 6));
        expect((await call.finished()).status).toBe(String(Code.DeadlineExceeded));
      });

      test("that is too large is refused before its end", async () => {
        using connection = new RawConnection(server.url);
        const call = connection.call("Hello");
        await call.send(frame(new Uint8Array(100), { length: 10_000_000 }));
        expect((await call.finished()).status).toBe(String(Code.ResourceExhausted));
      });

      test("that has more after its message is refused before its end", async () => {
        using connection = new RawConnection(server.url);
        const call = await connection.call("Hello").send(Buffer.concat([HELLO, HELLO]));
        expect((await call.finished()).status).toBe(String(Code.Unimplemented));
      });

      test("does not need `te: trailers`", async () => {
        using connection = new RawConnection(server.url);
        const call = connection.call("Hello", { te: undefined }).end(HELLO);
        expect((await call.finished()).status).toBe("0");
      });

      test("is answered without compression where its caller would take one", async () => {
        using connection = new RawConnection(server.url);
        const call = connection.call("Hello", { "grpc-accept-encoding": "gzip, identity" });
        const { data } = await call.end(HELLO).finished();
        expect(data[0]).toBe(0);
        expect(fromBinary(HelloResponseSchema, data.subarray(5)).clientIp).toHaveLength(4);
      });

      test("that is compressed is answered", async () => {
        using connection = new RawConnection(server.url);
        const call = connection.call("Hello", { "grpc-encoding": "gzip" });
        const body = frame(gzipSync(HELLO.subarray(5)), { flags: 1 });
        expect((await call.end(body).finished()).status).toBe("0");
      });

      test.each([
        ["an unknown method", "Nothing", "application/grpc", Code.Unimplemented],
        ["gRPC-Web", "Hello", "application/grpc-web+proto", undefined],
        ["Connect", "Hello", "application/proto", undefined],
      ])("of %s is answered", async (_what, method, type, status) => {
        using connection = new RawConnection(server.url);
        const body = type === "application/proto" ? HELLO.subarray(5) : HELLO;
        const call = connection.call(method, { "content-type": type }).end(body);
        await call.finished();
        expect(call.headers[":status"]).toBe(200);
        expect(call.headers["content-type"]).toContain(type);
        if (status !== undefined) expect(call.status).toBe(String(status));
      });

      test("in JSON is answered in JSON", async () => {
        using connection = new RawConnection(server.url);
        const call = connection.call("Hello", { "content-type": "application/grpc+json" });
        const { data } = await call.end(frame(Buffer.from('{"clusterId":"c"}'))).finished();
        expect(JSON.parse(data.subarray(5).toString())).toEqual({ clientIp: "fwAAAQ==" });
      });

      test("is kept apart from a hundred others of its connection", async () => {
        using connection = new RawConnection(server.url);
        const statuses = await Promise.all(
          Array.from({ length: 100 }, async (_, i) => {
            const clusterId = `many-${i}`;
            const update = connection.call("AffiliateUpdate").end(updateOf({ clusterId }));
            await update.finished();
            const list = connection.call("List").end(request(ListRequestSchema, { clusterId }));
            const { affiliates } = fromBinary(
              ListResponseSchema,
              (await list.finished()).data.subarray(5),
            );
            return `${update.status} ${list.status} ${affiliates.length}`;
          }),
        );
        expect(new Set(statuses)).toEqual(new Set(["0 0 1"]));
      });
    });

    describe("a call whose answer takes time", () => {
      let slow: DiscoveryServer;
      let registry: SlowRegistry;
      const reports: CallReport[] = [];
      beforeAll(async () => {
        registry = new SlowRegistry();
        slow = await start({ registry, hooks: { onCallEnd: (report) => reports.push(report) } });
      });
      afterAll(() => slow.close());

      test("gets its answer", async () => {
        using connection = new RawConnection(slow.url);
        const call = connection.call("List").end(LIST);
        await expect.poll(() => registry.waiting).toBe(1);
        registry.release();
        expect((await call.finished()).status).toBe("0");
        expect(reports.splice(0)).toMatchObject([{ method: "List", code: "OK", messagesSent: 1 }]);
      });

      test("is canceled when its caller resets it", async () => {
        using connection = new RawConnection(slow.url);
        registry.aborted.length = 0;
        const call = connection.call("List").end(LIST);
        await expect.poll(() => registry.waiting).toBe(1);
        call.stream.close(8);
        await expect.poll(() => registry.aborted.length).toBe(1);
        registry.release();
        await call.finished();
        reports.length = 0;
      });

      test("is canceled when its connection breaks", async () => {
        using connection = new RawConnection(slow.url);
        registry.aborted.length = 0;
        connection.call("List").end(LIST);
        await expect.poll(() => registry.waiting).toBe(1);
        connection.session.destroy();
        await expect.poll(() => registry.aborted.length).toBe(1);
        registry.release();
        reports.length = 0;
      });

      test("is canceled at its deadline", async () => {
        using connection = new RawConnection(slow.url);
        registry.aborted.length = 0;
        const call = connection.call("List", { "grpc-timeout": "50m" }).end(LIST);
        await expect.poll(() => registry.aborted.length).toBe(1);
        expect(registry.aborted[0]).toMatchObject({ code: Code.DeadlineExceeded });
        registry.release();
        await call.finished();
        reports.length = 0;
      });
    });

    describe("a watch", () => {
      test("gets the snapshot, then changes, each once", async () => {
        using connection = new RawConnection(server.url);
        const clusterId = "watched";
        const watch = connection.call("Watch").read();
        watch.end(request(WatchRequestSchema, { clusterId }));
        await expect.poll(() => watch.messages.length).toBe(1);
        expect(watch.messages[0]).toMatchObject({ affiliates: [], deleted: false });
        const { registry } = server;
        const update = { clusterId, endpoints: [], ttlMs: MINUTE_MS };
        // Changes of one turn.
        registry.update({ ...update, affiliateId: "a", data: Uint8Array.of(1) });
        registry.update({ ...update, affiliateId: "b", data: Uint8Array.of(2) });
        registry.update({ ...update, affiliateId: "a", data: Uint8Array.of(3) });
        await expect.poll(() => watch.messages.length).toBe(2);
        registry.delete(clusterId, "a");
        registry.delete(clusterId, "b");
        await expect.poll(() => watch.messages.length).toBe(4);
        const told = watch.messages.map(({ affiliates, deleted }) => [
          deleted,
          ...affiliates.map(({ id, data }) => `${id}:${data[0]}`),
        ]);
        expect(told).toEqual([
          [false],
          [false, "a:3", "b:2"],
          [true, "a:undefined"],
          [true, "b:undefined"],
        ]);
        expect(watch.headers["content-type"]).toBe("application/grpc+proto");
      });

      test("ends with OK when the service closes, and leaves no watcher", async () => {
        const own = await start();
        using connection = new RawConnection(own.url);
        const watch = connection.call("Watch").read().end(WATCH);
        await expect.poll(() => watch.messages.length).toBe(1);
        const goaway = once(connection.session, "goaway");
        await own.close();
        expect((await watch.finished()).status).toBe("0");
        await goaway;
      });

      test("ends at its deadline, and leaves no watcher", async () => {
        using connection = new RawConnection(server.url);
        const clusterId = "short";
        const watch = connection.call("Watch", { "grpc-timeout": "100m" });
        watch.end(request(WatchRequestSchema, { clusterId }));
        expect((await watch.finished()).status).toBe(String(Code.DeadlineExceeded));
        expect(watch.messages).toHaveLength(1);
        await expect.poll(async () => (await server.registry.totals()).watchers).toBe(0);
      });

      test("has no deadline where that is further away than timers go", async () => {
        using warned = vi.spyOn(process, "emitWarning").mockReturnValue();
        using connection = new RawConnection(server.url);
        const clusterId = "patient";
        const watch = connection.call("Watch", { "grpc-timeout": "99999999H" });
        watch.read().end(request(WatchRequestSchema, { clusterId }));
        await expect.poll(() => watch.messages.length).toBe(1);
        await connection.call("AffiliateUpdate").end(updateOf({ clusterId })).finished();
        await expect.poll(() => watch.messages.length).toBe(2);
        expect(warned).not.toHaveBeenCalled();
      });

      test("is freed when its caller resets it", async () => {
        using connection = new RawConnection(server.url);
        const watch = connection.call("Watch").read().end(WATCH);
        await expect.poll(() => watch.messages.length).toBe(1);
        expect((await server.registry.totals()).watchers).toBe(1);
        watch.stream.close(8);
        await expect.poll(async () => (await server.registry.totals()).watchers).toBe(0);
      });

      test("whose reader takes nothing is told the latest state once it reads", async () => {
        const registry = new MemoryRegistry();
        await using own = await start({ registry });
        // 200 affiliates of 2 kB are more than the windows of HTTP/2 take unread.
        fill(registry, 200, { data: new Uint8Array(2000) });
        using connection = new RawConnection(own.url);
        const watch = connection.call("Watch").end(WATCH);
        await once(watch.stream, "response");
        for (let round = 1; round <= 100; round++) {
          fill(registry, 200, { data: new Uint8Array(2000).fill(round) });
          await new Promise((resolve) => setImmediate(resolve));
        }
        registry.delete("c", "a7");
        watch.read();
        await expect.poll(() => known(watch.messages).has("a7")).toBe(false);
        await expect.poll(() => known(watch.messages).get("a199")).toBe(100);
        expect(known(watch.messages).size).toBe(199);
        const sent = watch.messages.reduce((sum, { affiliates }) => sum + affiliates.length, 0);
        expect(sent).toBeLessThan(200 * 20);
      });

      test("of a full cluster gets it in messages of at most 4,000,000 bytes", async () => {
        const registry = new MemoryRegistry();
        await using own = await start({ registry });
        const endpoints = Array.from({ length: 64 }, (_, i) => new Uint8Array(32).fill(i));
        fill(registry, 1024, { data: new Uint8Array(2048), endpoints });
        using connection = new RawConnection(own.url);
        const watch = connection.call("Watch").read().end(WATCH);
        await expect.poll(() => known(watch.messages).size).toBe(1024);
        expect(watch.messages).toHaveLength(2);
        expect(watch.data.readUInt32BE(1)).toBeLessThanOrEqual(4_000_000);
        const list = await connection.call("List").end(LIST).finished();
        const { affiliates } = fromBinary(ListResponseSchema, list.data.subarray(5));
        expect(affiliates).toHaveLength(1024);
      });

      test("of fifty on one connection is told every change", async () => {
        const registry = new MemoryRegistry();
        await using own = await start({ registry });
        using connection = new RawConnection(own.url);
        const watches = Array.from({ length: 50 }, () =>
          connection.call("Watch").read().end(WATCH),
        );
        await expect.poll(() => registry.totals().watchers).toBe(50);
        for (let i = 0; i < 20; i++) {
          fill(registry, 1, { data: Uint8Array.of(i) });
          await new Promise((resolve) => setImmediate(resolve));
        }
        registry.delete("c", "a0");
        const seen = () => watches.filter(({ messages }) => messages.at(-1)?.deleted === true);
        await expect.poll(() => seen().length).toBe(50);
        expect(new Set(watches.map(({ data }) => data.toString("hex"))).size).toBe(1);
      });
    });

    describe("callers", () => {
      test("behind a trusted proxy are known by the headers that it sets", async () => {
        await using own = await start({ trustedProxies: ["127.0.0.0/8"] });
        using connection = new RawConnection(own.url);
        const ip = async (headers: Record<string, string>) => {
          const { data } = await connection.call("Hello", headers).end(HELLO).finished();
          return [...fromBinary(HelloResponseSchema, data.subarray(5)).clientIp].join(".");
        };
        expect(await ip({})).toBe("127.0.0.1");
        expect(await ip({ "x-real-ip": "203.0.113.9" })).toBe("203.0.113.9");
        expect(await ip({ "x-forwarded-for": "198.51.100.7, 10.0.0.1" })).toBe("198.51.100.7");
        expect(await ip({ "x-real-ip": "no address" })).toBe("127.0.0.1");
      });

      test("from elsewhere are known by their connection", async () => {
        using connection = new RawConnection(server.url);
        const call = connection.call("Hello", { "x-real-ip": "203.0.113.9" }).end(HELLO);
        const { data } = await call.finished();
        const { clientIp } = fromBinary(HelloResponseSchema, data.subarray(5));
        expect([...clientIp]).toEqual([127, 0, 0, 1]);
      });

      test("are sent on where the operator says so", async () => {
        await using own = await start({ redirectEndpoint: "elsewhere.example:443" });
        using connection = new RawConnection(own.url);
        const { data } = await connection.call("Hello").end(HELLO).finished();
        const answer = fromBinary(HelloResponseSchema, data.subarray(5));
        expect(answer.redirect?.endpoint).toBe("elsewhere.example:443");
      });

      test("wait for their turn under a rate limit, unless their deadline comes first", async () => {
        await using own = await start({ rateLimit: { perSecond: 5, burst: 2 } });
        using connection = new RawConnection(own.url);
        const call = (headers = {}) => connection.call("Hello", headers).end(HELLO).finished();
        const [one, two, three] = await Promise.all([call(), call(), call()]);
        expect([one.status, two.status, three.status]).toEqual(["0", "0", "0"]);
        // So many that even a slow machine cannot have a turn for each.
        const hasty = Array.from({ length: 10 }, () => call({ "grpc-timeout": "20m" }));
        const late = await Promise.all(hasty);
        expect(late.map(({ status }) => status)).toContain(String(Code.ResourceExhausted));
      });
    });

    test("calls are reported with what is known of them", async () => {
      const reports: CallReport[] = [];
      const started: string[] = [];
      await using own = await start({
        hooks: {
          onCallStart: (method) => started.push(method),
          onCallEnd: ({ ...report }) => reports.push(report),
        },
      });
      using connection = new RawConnection(own.url);
      await connection.call("Hello").end(HELLO).finished();
      await connection.call("AffiliateUpdate").end(UPDATE).finished();
      await connection.call("List").end(request(ListRequestSchema, {})).finished();
      const watch = connection.call("Watch").read().end(WATCH);
      await expect.poll(() => watch.messages.length).toBe(1);
      watch.stream.close(8);
      await expect.poll(() => reports.length).toBe(4);
      expect(started).toEqual(["Hello", "AffiliateUpdate", "List", "Watch"]);
      expect(reports).toMatchObject([
        { method: "Hello", code: "OK", messagesSent: 1 },
        { method: "AffiliateUpdate", code: "OK", messagesSent: 1 },
        { method: "List", code: "InvalidArgument", messagesSent: 0 },
        { method: "Watch", code: "Canceled", messagesSent: 1 },
      ]);
    });
  });
}
