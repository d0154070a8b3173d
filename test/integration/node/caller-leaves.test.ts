/**
 * Callers that leave in the middle of a call, in every protocol and at every point: nothing of
 * theirs stays, and none of it counts as a failure of ours.
 */
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { describe, expect, onTestFinished, test } from "vitest";
import type { DiscoveryServer, ServeOptions } from "../../../src/node/serve.ts";
import { WatchRequestSchema } from "../../../src/protocol/index.ts";
import { MemoryBudget } from "../../../src/registry/memory-budget.ts";
import { frame, startService } from "../../harness/service/test-service.ts";

const CLUSTER_ID = "c";
const PATH = "/sidero.discovery.server.Cluster";

/** Native gRPC, and the ways through Connect's handler. */
const PROTOCOLS = {
  grpc: { "content-type": "application/grpc" },
  "grpc through Connect": { "content-type": "application/grpc", origin: "null" },
  "grpc-web": { "content-type": "application/grpc-web+proto" },
  "grpc-web json": { "content-type": "application/grpc-web+json" },
  connect: { "content-type": "application/connect+proto" },
  "connect json": { "content-type": "application/connect+json" },
} as const;
type Protocol = keyof typeof PROTOCOLS;
const PROTOCOL_NAMES = Object.keys(PROTOCOLS) as readonly Protocol[];

/** How a caller leaves. */
const LEAVE = {
  "a reset": (_: Caller, stream: ClientHttp2Stream) => stream.close(constants.NGHTTP2_CANCEL),
  "a reset for an error of its own": (_: Caller, stream: ClientHttp2Stream) =>
    stream.close(constants.NGHTTP2_INTERNAL_ERROR),
  "a GOAWAY with an error": ({ session }: Caller) =>
    session.destroy(undefined, constants.NGHTTP2_INTERNAL_ERROR),
  "an end of its connection": ({ socket }: Caller) => socket.destroy(),
  "a reset of its connection": ({ socket }: Caller) => socket.resetAndDestroy(),
} as const;
const LEAVE_NAMES = Object.keys(LEAVE) as readonly (keyof typeof LEAVE)[];

interface Caller {
  readonly session: ClientHttp2Session;
  readonly socket: Socket;
}

class Watched {
  readonly memory = new MemoryBudget({ maxBytes: 1_000_000_000 });
  readonly reports: { readonly method: string; readonly code: string }[] = [];
  readonly rejections: unknown[] = [];
  server!: DiscoveryServer;

  static async start(options: ServeOptions = {}): Promise<Watched> {
    const service = new Watched();
    service.server = await startService({
      memory: service.memory,
      hooks: { onCallEnd: ({ method, code }) => service.reports.push({ method, code }) },
      corsOrigins: "*",
      shutdownTimeoutMs: 200,
      ...options,
    });
    const onRejection = (reason: unknown) => service.rejections.push(reason);
    process.on("unhandledRejection", onRejection);
    onTestFinished(async () => {
      process.off("unhandledRejection", onRejection);
      await service.server.close();
    });
    return service;
  }

  async caller(initialWindowSize = 65_535): Promise<Caller> {
    const socket = connectTcp(this.server.port, "127.0.0.1");
    const session = connect(this.server.url, {
      createConnection: () => socket,
      settings: { initialWindowSize },
    });
    session.on("error", () => {});
    socket.on("error", () => {});
    await once(session, "connect");
    onTestFinished(() => session.destroy());
    return { session, socket };
  }

  /** @param bytes - Over 64 kB is not encoded whole. */
  fill(bytes: number): void {
    for (let i = 0; i < bytes / 2048; i++) this.put(`a${i}`);
  }

  put(affiliateId: string, first = 1): void {
    const data = new Uint8Array(2048).fill(first);
    void this.server.registry.update({
      ...{ clusterId: CLUSTER_ID, affiliateId, data, endpoints: [], ttlMs: 60_000 },
    });
  }

  held() {
    const { memory } = this;
    const [watches, streams, unsent] = ["watches", "streams", "unsent"].map((kind) =>
      memory.usedBy(kind as "watches"),
    );
    const totals = this.server.registry.totals() as { watchers: number };
    return { watchers: totals.watchers, watches, streams, unsent };
  }

  /** All that callers held is free again, and nothing was rejected without being caught. */
  async expectNothingHeld(): Promise<void> {
    const nothing = { watchers: 0, watches: 0, streams: 0, unsent: 0 };
    await expect.poll(() => this.held(), { timeout: 5000 }).toEqual(nothing);
    expect(this.rejections).toEqual([]);
  }
}

function begin({ session }: Caller, protocol: Protocol, method = "Watch"): ClientHttp2Stream {
  const headers = { ":method": "POST", ":path": `${PATH}/${method}`, te: "trailers" };
  const stream = session.request({ ...headers, ...PROTOCOLS[protocol] });
  stream.on("error", () => {});
  return stream;
}

function body(protocol: Protocol): Buffer {
  const request = create(WatchRequestSchema, { clusterId: CLUSTER_ID });
  return frame(
    protocol.includes("json")
      ? Buffer.from(toJsonString(WatchRequestSchema, request))
      : toBinary(WatchRequestSchema, request),
  );
}

describe.each(PROTOCOL_NAMES)("%s: nothing stays of a watch whose caller leaves by", (protocol) => {
  test.each(LEAVE_NAMES)("%s, before its request is complete", async (how) => {
    const service = await Watched.start();
    const caller = await service.caller();
    const stream = begin(caller, protocol);
    stream.write(body(protocol).subarray(0, 3));
    await new Promise<void>((resolve) => caller.session.ping(() => resolve()));
    LEAVE[how](caller, stream);
    await service.expectNothingHeld();
    expect(service.reports.filter(({ code }) => code !== "Canceled")).toEqual([]);
  });

  test.each(LEAVE_NAMES)("%s, while it waits for the rate limit", async (how) => {
    const service = await Watched.start({ rateLimit: { perSecond: 0.001, burst: 1 } });
    const caller = await service.caller();
    begin(caller, protocol).end(body(protocol));
    await expect.poll(() => service.held().watchers).toBe(1);
    const second = begin(caller, protocol);
    second.end(body(protocol));
    await new Promise<void>((resolve) => caller.session.ping(() => resolve()));
    LEAVE[how](caller, second);
    await expect.poll(() => service.reports).toContainEqual({ method: "Watch", code: "Canceled" });
    caller.socket.destroy();
    await service.expectNothingHeld();
    const canceled = { method: "Watch", code: "Canceled" };
    expect(service.reports).toEqual([canceled, canceled]);
  });

  test.each(LEAVE_NAMES)("%s, between two messages", async (how) => {
    const service = await Watched.start();
    const caller = await service.caller();
    const stream = begin(caller, protocol);
    stream.end(body(protocol));
    await once(stream, "data");
    service.put("a");
    await once(stream, "data");
    LEAVE[how](caller, stream);
    await service.expectNothingHeld();
    expect(service.reports).toEqual([{ method: "Watch", code: "Canceled" }]);
  });

  test.each(LEAVE_NAMES)("%s, in the middle of a snapshot that it does not read", async (how) => {
    const service = await Watched.start();
    service.fill(400_000);
    const caller = await service.caller(1000);
    const stream = begin(caller, protocol);
    stream.end(body(protocol));
    await once(stream, "response");
    await expect.poll(() => service.held().unsent).toBeGreaterThan(0);
    // Changes gather meanwhile.
    for (let i = 0; i < 100; i++) service.put(`a${i}`, 2);
    LEAVE[how](caller, stream);
    await service.expectNothingHeld();
    expect(service.reports).toEqual([{ method: "Watch", code: "Canceled" }]);
  });

  test.each(LEAVE_NAMES)("%s, in the middle of a change that it does not read", async (how) => {
    const service = await Watched.start();
    const caller = await service.caller(1000);
    const stream = begin(caller, protocol);
    stream.end(body(protocol));
    await once(stream, "response");
    await expect.poll(() => service.held().watchers).toBe(1);
    service.put("a");
    await expect.poll(() => service.held().unsent).toBeGreaterThan(0);
    service.put("a", 2);
    LEAVE[how](caller, stream);
    await service.expectNothingHeld();
    expect(service.reports).toEqual([{ method: "Watch", code: "Canceled" }]);
  });
});

describe.each(["grpc-web", "connect", "connect json"] as const)("%s over HTTP/1.1:", (protocol) => {
  const leave = {
    "an end": (socket: Socket) => socket.destroy(),
    "a reset": (socket: Socket) => socket.resetAndDestroy(),
  } as const;
  const names = Object.keys(leave) as readonly (keyof typeof leave)[];

  async function watch(service: Watched): Promise<Socket> {
    const socket = connectTcp(service.server.port, "127.0.0.1");
    socket.on("error", () => {});
    onTestFinished(() => void socket.destroy());
    const bytes = body(protocol);
    socket.write(
      `POST ${PATH}/Watch HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes.length}\r\n` +
        `Content-Type: ${PROTOCOLS[protocol]["content-type"]}\r\n\r\n`,
    );
    socket.write(bytes);
    await expect.poll(() => service.held().watchers).toBe(1);
    return socket;
  }

  test.each(names)(
    "nothing stays of a watch whose caller leaves by %s between messages",
    async (how) => {
      const service = await Watched.start();
      const socket = await watch(service);
      await once(socket, "data");
      leave[how](socket);
      await service.expectNothingHeld();
      expect(service.reports).toEqual([{ method: "Watch", code: "Canceled" }]);
    },
  );

  test.each(names)("nor of one whose snapshot is paced, and who leaves by %s", async (how) => {
    const service = await Watched.start({ byteRate: { perSecond: 1000, burst: 40_000 } });
    service.fill(2_000_000);
    const socket = await watch(service);
    await once(socket, "data");
    leave[how](socket);
    await service.expectNothingHeld();
    expect(service.reports).toEqual([{ method: "Watch", code: "Canceled" }]);
  });
});

describe.each(["grpc", "grpc-web", "grpc-web json"] as const)("%s: a list", (protocol) => {
  test("whose caller leaves in the middle leaves no timer of its deadline", async () => {
    const service = await Watched.start();
    service.fill(400_000);
    const caller = await service.caller(1000);
    const before = timers();
    const headers = { ":method": "POST", ":path": `${PATH}/List`, te: "trailers" };
    const type = PROTOCOLS[protocol];
    const stream = caller.session.request({ ...headers, ...type, "grpc-timeout": "500H" });
    stream.on("error", () => {});
    stream.end(body(protocol));
    await expect.poll(() => service.held().unsent).toBeGreaterThan(0);
    stream.close(constants.NGHTTP2_CANCEL);
    await service.expectNothingHeld();
    await expect.poll(() => timers(), { timeout: 5000 }).toBeLessThanOrEqual(before);
  });
});

describe("a HEAD request", () => {
  test("whose caller leaves at once frees its place", async () => {
    const service = await Watched.start();
    const { session } = await service.caller();
    for (let i = 0; i < 20; i++) {
      const stream = session.request({ ":method": "HEAD", ":path": "/readyz" });
      stream.on("error", () => {});
      stream.close(constants.NGHTTP2_CANCEL);
    }
    await service.expectNothingHeld();
  });

  test("whose caller leaves before its answer is there frees its place", async () => {
    let answer: (() => void) | undefined;
    const page = { status: 200, headers: {}, text: "late" };
    const pages = () => new Promise<typeof page>((resolve) => (answer = () => resolve(page)));
    const service = await Watched.start({ pages });
    const { session } = await service.caller();
    const stream = session.request({ ":method": "HEAD", ":path": "/" });
    stream.on("error", () => {});
    await expect.poll(() => answer).toBeDefined();
    stream.close(constants.NGHTTP2_CANCEL);
    await service.expectNothingHeld();
    answer?.();
    await service.expectNothingHeld();
  });

  test.each(["/", "/readyz", "/stats", "/style.css", "/nothing-here"])(
    "of %s is answered without a body, and frees its place",
    async (path) => {
      const service = await Watched.start();
      const { session } = await service.caller();
      const stream = session.request({ ":method": "HEAD", ":path": path });
      const [headers] = await once(stream, "response");
      expect(headers[":status"]).toBe(path === "/nothing-here" ? 404 : 200);
      stream.resume();
      await once(stream, "close");
      expect(stream.rstCode).toBe(0);
      await service.expectNothingHeld();
      const http1 = await fetch(`${service.server.url}${path}`, { method: "HEAD" });
      expect(http1.status).toBe(headers[":status"]);
      expect(await http1.text()).toBe("");
      await service.expectNothingHeld();
    },
  );
});

function timers(): number {
  return process.getActiveResourcesInfo().filter((type) => type === "Timeout").length;
}
