/**
 * HTTP/2 connections: readers that do not read, peers that are gone, and streams that are dear.
 */
import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  createServer as createHttp2Server,
  type Http2Server,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import {
  type ConnectionLimits,
  resolveConnectionLimits,
} from "../../../../src/node/http/connection-limits.ts";
import {
  type Connection,
  Connections,
  connectionOf,
  type Exchange,
} from "../../../../src/node/http/connections.ts";
import type { DiscoveryServer, ServeOptions } from "../../../../src/node/serve.ts";
import type { RefusalReason } from "../../../../src/server/rpc/refusal-reason.ts";
import {
  CA,
  frame,
  grpcClient,
  rawSocket,
  startService,
  TLS,
} from "../../../harness/service/test-service.ts";

const refusals: RefusalReason[] = [];
const onRefused = (reason: RefusalReason): void => void refusals.push(reason);

beforeEach(() => {
  refusals.length = 0;
});

async function start(options: ServeOptions = {}): Promise<DiscoveryServer> {
  const server = await startService({ ...options, hooks: { onRefused } });
  onTestFinished(() => server.close());
  return server;
}

function openSession(url: string): ClientHttp2Session {
  const session = connect(url, { ca: CA });
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  return session;
}

function openStream(session: ClientHttp2Session, headers: OutgoingHttpHeaders): ClientHttp2Stream {
  const stream = session.request(headers, { endStream: false });
  stream.on("error", () => {});
  return stream;
}

function closed(emitter: ClientHttp2Session | ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => void emitter.once("close", () => resolve()));
}

/** Writes all the time, as fast as its reader takes it. */
class Flood implements Exchange {
  unsentBytes = 0;
  takenBytes = 0;
  readonly #stream: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream, connection: Connection) {
    this.#stream = stream;
    stream.on("error", () => {});
    stream.once("close", () => connection.delete(this));
    connection.add(this);
    stream.respond();
    this.#write();
  }

  reset(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  #write(): void {
    const bytes = Buffer.alloc(16_384);
    this.unsentBytes += bytes.length;
    this.#stream.write(bytes, (error) => {
      if (error) return;
      this.unsentBytes -= bytes.length;
      this.takenBytes += bytes.length;
      this.#write();
    });
  }
}

interface FloodServer {
  readonly url: string;
  readonly connections: Connections;
  readonly http2: Http2Server;
}

/** A server whose answers never end, but for those of `/quiet`, which never begin. */
async function startFlood(limits: ConnectionLimits): Promise<FloodServer> {
  const connections = new Connections({
    limits: resolveConnectionLimits(limits, 10_000),
    trustedProxies: [],
    onRefused,
  });
  const port = connections.openPort(100);
  const http2 = createHttp2Server();
  connections.followSessions(http2);
  http2.on("sessionError", () => {});
  http2.on("stream", (stream: ServerHttp2Stream, headers) => {
    const connection = connectionOf(stream.session?.socket as object) as Connection;
    if (headers[":path"] !== "/quiet") {
      new Flood(stream, connection);
      return;
    }
    const quiet = { unsentBytes: 0, takenBytes: 0, reset: () => stream.close() };
    connection.add(quiet);
    stream.once("close", () => connection.delete(quiet));
    stream.respond();
  });
  const tcp = createServer((socket) => {
    socket.on("error", () => {});
    if (port.accept(socket) !== undefined) http2.emit("connection", socket);
  });
  tcp.listen(0, "127.0.0.1");
  await once(tcp, "listening");
  onTestFinished(() => {
    connections.close();
    tcp.close();
  });
  return { url: `http://127.0.0.1:${(tcp.address() as AddressInfo).port}`, connections, http2 };
}

describe("a reader that stops reading", () => {
  test("loses its stream, and its connection with the last one", async () => {
    const { url, connections } = await startFlood({ writeTimeoutMs: 200 });
    const session = openSession(url);
    const streams = [1, 2, 3].map(() => openStream(session, { ":path": "/" }));
    await Promise.all(streams.map((stream) => once(stream, "response")));
    expect(connections.size).toBe(1);
    await closed(session);
    await expect.poll(() => connections.size).toBe(0);
    expect(refusals).toEqual(["write_timeout", "write_timeout", "write_timeout"]);
  });

  test("loses one stream while others of its connection go on", async () => {
    const { url, connections } = await startFlood({ writeTimeoutMs: 200 });
    const session = openSession(url);
    const quiet = openStream(session, { ":path": "/quiet" });
    const stuck = openStream(session, { ":path": "/" });
    await closed(stuck);
    expect(stuck.rstCode).toBe(constants.NGHTTP2_CANCEL);
    expect(quiet.closed).toBe(false);
    expect(connections.size).toBe(1);
    expect(refusals).toEqual(["write_timeout"]);
  });

  test("of the whole connection loses it, though nothing is known of its streams", async () => {
    const { url, connections } = await startFlood({ writeTimeoutMs: 300 });
    const relay = await startRelay(Number(new URL(url).port));
    const session = openSession(`http://127.0.0.1:${relay.port}`);
    await once(session, "connect");
    session.settings({ initialWindowSize: 2 ** 31 - 1 });
    session.setLocalWindowSize(2 ** 30);
    const stream = openStream(session, { ":path": "/" });
    stream.resume();
    await once(stream, "data");
    relay.cut();
    await expect.poll(() => connections.size, { timeout: 5000 }).toBe(0);
    expect(refusals).toEqual(["write_timeout"]);
  });
});

test("the connection with the most unsent bytes is the worst", async () => {
  const { url, connections, http2 } = await startFlood({});
  const found: Connection[] = [];
  http2.on("session", (session) => {
    found.push(connectionOf(session.socket) as Connection);
  });
  connections.closeWorst();
  const sessions = [1, 2, 3].map(() => openSession(url));
  await Promise.all(sessions.map((session) => once(session, "remoteSettings")));
  connections.closeWorst();
  expect(connections.size).toBe(3);
  for (const [i, connection] of found.entries()) connection.unsentBytes = [10, 30, 20][i] as number;
  connections.closeWorst();
  connections.closeWorst();
  await expect.poll(() => connections.size).toBe(2);
  connections.closeWorst();
  await expect.poll(() => connections.size).toBe(1);
  expect(refusals).toEqual(["unsent_limit", "unsent_limit"]);
});

/** A way to a port that can be cut without a word, as by a cable. */
async function startRelay(port: number): Promise<{ readonly port: number; cut(): void }> {
  const sockets: Socket[] = [];
  const tcp = createServer((near) => {
    const far = connectTcp(port, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("error", () => {});
      from.pipe(to);
      from.once("close", () => to.destroy());
      sockets.push(from);
    }
  });
  tcp.listen(0, "127.0.0.1");
  await once(tcp, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    tcp.close();
  });
  return {
    port: (tcp.address() as AddressInfo).port,
    cut: () => {
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
}

describe.each([
  ["plaintext", undefined],
  ["TLS", TLS],
])("a silent watch over %s", (_name, tls) => {
  test("frees its place when its peer answers no PING, and others stay", async () => {
    const limits = { pingIntervalMs: 200, pingTimeoutMs: 200 };
    const server = await start({ tls, connections: limits });
    const relay = await startRelay(server.port);
    const relayed = server.url.replace(String(server.port), String(relay.port));
    const end = new AbortController();
    onTestFinished(() => end.abort());
    for (const url of [server.url, relayed]) {
      const client = grpcClient(url, { nodeOptions: { ca: CA } });
      const watch = client.watch({ clusterId: "c" }, { signal: end.signal });
      const messages = watch[Symbol.asyncIterator]();
      await messages.next();
      messages.next().catch(() => {});
    }
    const watchers = async () => (await server.registry.totals()).watchers;
    expect(await watchers()).toBe(2);
    relay.cut();
    await expect.poll(() => refusals, { timeout: 5000 }).toEqual(["ping_timeout"]);
    await expect.poll(watchers).toBe(1);
    // Twice as long again, by the end of another one.
    const second = await startRelay(server.port);
    const session = openSession(server.url.replace(String(server.port), String(second.port)));
    openStream(session, { ...CALL, ":path": `${SERVICE}/Watch` }).end(WATCH_REQUEST);
    await expect.poll(watchers).toBe(2);
    second.cut();
    await expect.poll(() => refusals, { timeout: 5000 }).toEqual(["ping_timeout", "ping_timeout"]);
    await expect.poll(watchers).toBe(1);
  });
});

describe("shares of connections", () => {
  function openSocket(port: number, localAddress: string): Socket {
    const socket = connectTcp({ port, host: "127.0.0.1", localAddress });
    socket.on("error", () => {});
    onTestFinished(() => void socket.destroy());
    return socket;
  }
  async function openAll(server: DiscoveryServer, count: number, from: string): Promise<void> {
    for (let i = 0; i < count; i++) await once(openSocket(server.port, from), "connect");
  }

  test("a client gets half of them at most, and another one still gets in", async () => {
    const server = await start({ connections: { maxConnections: 8 } });
    await openAll(server, 6, "127.0.0.1");
    await expect.poll(() => refusals).toEqual(["connection_share", "connection_share"]);
    await openAll(server, 2, "127.0.0.2");
    const other = openSocket(server.port, "127.0.0.3");
    other.write("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    await once(other, "data");
    expect(refusals).toHaveLength(2);
  });

  test("a trusted proxy may have all of them", async () => {
    const server = await start({
      trustedProxies: ["127.0.0.1"],
      connections: { maxConnections: 8 },
    });
    await openAll(server, 9, "127.0.0.1");
    await expect.poll(() => refusals).toEqual(["connection_limit"]);
  });

  test("a share of 0 is no limit", async () => {
    const server = await start({ connections: { maxConnections: 8, sharePercent: 0 } });
    await openAll(server, 9, "127.0.0.1");
    await expect.poll(() => refusals).toEqual(["connection_limit"]);
  });

  test("the ports of pages have shares of their own", async () => {
    const server = await start({
      landing: { port: 0, host: "127.0.0.1" },
      connections: { maxConnections: 2 },
    });
    await openAll(server, 2, "127.0.0.1");
    await expect.poll(() => refusals).toEqual(["connection_share"]);
    const port = server.landing?.port as number;
    const sockets: Socket[] = [];
    for (let i = 0; i < 128; i++) {
      const socket = openSocket(port, "127.0.0.1");
      await once(socket, "connect");
      sockets.push(socket);
    }
    const over = openSocket(port, "127.0.0.1");
    await new Promise((resolve) => over.resume().once("close", resolve));
    expect(refusals).toEqual(["connection_share", "connection_share"]);
    const other = openSocket(port, "127.0.0.2");
    other.write("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    await once(other, "data");
  });
});

const SERVICE = "/sidero.discovery.server.Cluster";
const CALL = { ":method": "POST", "content-type": "application/grpc", te: "trailers" } as const;
const WATCH_REQUEST = frame(Buffer.from([0x0a, 1, 0x63]));

describe("calls that are malformed", () => {
  const probeRateLimit = { perSecond: 0.001, burst: 3 };

  async function callAndEnd(
    session: ClientHttp2Session,
    contentType: string,
    body: Uint8Array,
  ): Promise<void> {
    const stream = openStream(session, {
      ...CALL,
      ":path": `${SERVICE}/Hello`,
      "content-type": contentType,
    });
    const ended = closed(stream);
    stream.resume().end(body);
    await ended;
  }

  const malformed = [
    ["application/grpc", Buffer.alloc(3)],
    ["application/grpc+json", frame(Buffer.from("{"))],
    ["application/grpc-web", frame(Buffer.of(0xff))],
    ["application/json", Buffer.from("[]")],
    ["application/proto", new Uint8Array(16_385)],
  ] as const;

  test.each([
    ...malformed.map(([type, body]) => ({ fastPath: true, type, body })),
    ...malformed.map(([type, body]) => ({ fastPath: false, type, body })),
  ])(
    "as $type end the connection once their client has no probes left (fast path: $fastPath)",
    async ({ fastPath, type, body }) => {
      const server = await start({ fastPath, probeRateLimit });
      const session = openSession(server.url);
      const goaway = once(session, "goaway");
      for (let i = 0; i < 4; i++) await callAndEnd(session, type, body);
      expect((await goaway)[0]).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      await closed(session);
      const reason = body.length > 16_384 ? "body_too_large" : "malformed";
      expect(refusals).toEqual([reason, reason, reason, reason, "probe_limit"]);
      // Other connections and good calls go on.
      const client = grpcClient(server.url);
      expect((await client.hello({ clusterId: "c" })).clientIp).toHaveLength(4);
    },
  );

  test("over HTTP/1.1 end the connection once their client has no probes left", async () => {
    const server = await start({ probeRateLimit });
    const { socket, said } = await rawSocket(server);
    const call =
      `POST ${SERVICE}/Hello HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n` +
      "Content-Length: 2\r\n\r\n[]";
    socket.write(call.repeat(10));
    // One more may have been read by then.
    expect((await said).match(/HTTP\/1.1 400/g)?.length).toBeLessThan(7);
    expect(refusals.at(-1)).toBe("probe_limit");
  });

  test("in a burst are answered no further than that", async () => {
    const server = await start({ probeRateLimit });
    const session = openSession(server.url);
    const ended = closed(session);
    await once(session, "remoteSettings");
    const calls = Array.from({ length: 200 }, () =>
      callAndEnd(session, "application/grpc", Buffer.alloc(3)),
    );
    await Promise.all([...calls, ended]);
    expect(refusals.filter((reason) => reason === "malformed").length).toBeLessThan(10);
    expect(refusals.filter((reason) => reason === "probe_limit")).toHaveLength(1);
  });

  test("do not end the connection of a proxy", async () => {
    const server = await start({ probeRateLimit, trustedProxies: ["127.0.0.0/8"] });
    const session = openSession(server.url);
    for (let i = 0; i < 10; i++) await callAndEnd(session, "application/grpc", Buffer.alloc(3));
    expect(session.closed).toBe(false);
    expect(new Set(refusals)).toEqual(new Set(["malformed"]));
  });

  test("with half a surrogate pair are refused like others", async () => {
    const server = await start();
    const session = openSession(server.url);
    const stream = openStream(session, {
      ...CALL,
      ":path": `${SERVICE}/AffiliateUpdate`,
      "content-type": "application/grpc+json",
    });
    const response = once(stream, "response");
    stream.resume().end(frame(Buffer.from(String.raw`{"ttl":"\ud800"}`)));
    expect((await response)[0]["grpc-status"]).toBe("3");
    expect((await response)[0]["grpc-message"]).toContain("%EF%BF%BD");
  });
});

describe.each([true, false])("with the fast path %s", (fastPath) => {
  test.each(["List", "Watch"])(
    "a %s that nobody reads ends with its connection",
    async (method) => {
      const server = await start({ fastPath, connections: { writeTimeoutMs: 300 } });
      const affiliate = { clusterId: "c", affiliateId: "a", endpoints: [], ttlMs: 60_000 };
      await server.registry.update({ ...affiliate, data: new Uint8Array(2000) });
      const session = connect(server.url, { settings: { initialWindowSize: 0 } });
      session.on("error", () => {});
      onTestFinished(() => session.destroy());
      const stream = openStream(session, { ...CALL, ":path": `${SERVICE}/${method}` });
      stream.end(WATCH_REQUEST);
      await closed(session);
      expect(refusals).toEqual(["write_timeout"]);
    },
  );

  test("an empty answer whose end nobody takes ends with its connection", async () => {
    const server = await start({ fastPath, connections: { writeTimeoutMs: 300 } });
    const session = connect(server.url, { settings: { initialWindowSize: 0 } });
    session.on("error", () => {});
    onTestFinished(() => session.destroy());
    const stream = openStream(session, {
      ":method": "POST",
      ":path": `${SERVICE}/AffiliateDelete`,
      "content-type": "application/proto",
    });
    stream.end(Buffer.from([0x0a, 1, 0x63, 0x12, 1, 0x61]));
    await closed(session);
    expect(refusals).toEqual(["write_timeout"]);
  });

  test("CONNECT gets 405, and its stream ends though its caller leaves it open", async () => {
    const server = await start({ fastPath });
    const session = openSession(server.url);
    const stream = openStream(session, { ":method": "CONNECT", ":authority": "a:1" });
    const ended = closed(stream);
    const [headers] = await once(stream, "response");
    expect(headers[":status"]).toBe(405);
    stream.resume();
    await ended;
    expect(session.closed).toBe(false);
  });

  test("streams of the costly path have a ceiling for each connection", async () => {
    const server = await start({ fastPath, connections: { maxConnectStreamsPerConnection: 2 } });
    const session = openSession(server.url);
    await once(session, "remoteSettings");
    const dear = {
      ":method": "POST",
      ":path": `${SERVICE}/List`,
      "content-type": "application/json",
      "content-encoding": "gzip",
    };
    const open = [1, 2].map(() => openStream(session, dear));
    if (!fastPath) {
      expect(session.remoteSettings.maxConcurrentStreams).toBe(2);
      return;
    }
    expect(session.remoteSettings.maxConcurrentStreams).toBe(1000);
    const third = openStream(session, dear);
    await closed(third);
    expect(third.rstCode).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    expect(refusals).toEqual(["stream_limit"]);
    // Nodes go on, on the same connection.
    const hello = openStream(session, { ...CALL, ":path": `${SERVICE}/Hello` });
    const trailers = once(hello, "trailers");
    hello.resume().end(frame(Buffer.from([0x0a, 1, 0x63])));
    expect((await trailers)[0]["grpc-status"]).toBe("0");
    // One that ends makes room.
    const first = open[0] as ClientHttp2Stream;
    const ended = closed(first);
    first.close(constants.NGHTTP2_CANCEL);
    await ended;
    const again = openStream(session, dear);
    const response = once(again, "response");
    again.resume().end(gzipSync('{"clusterId":"c"}'));
    expect((await response)[0][":status"]).toBe(200);
  });
});
