/**
 * What connections may cost before and between calls, on both sides of each edge.
 */
import { once } from "node:events";
import { connect, constants, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import type { DiscoveryServer, ServeOptions } from "../../../../src/node/serve.ts";
import type { ServerHooks } from "../../../../src/server/rpc/call-report.ts";
import type { RefusalReason } from "../../../../src/server/rpc/refusal-reason.ts";
import {
  CA,
  expectServing,
  frame,
  grpcClient,
  rawSocket,
  startService,
  TLS,
} from "../../../harness/service/test-service.ts";

const refusals: RefusalReason[] = [];
const refusedAddresses: (string | undefined)[] = [];
afterEach(() => {
  refusals.length = 0;
  // Whose they are is told too: the log names clients.
  for (const address of refusedAddresses.splice(0)) expect(address).toMatch(/127\.0\.0\.1$|^::1$/);
});

async function start(options: ServeOptions): Promise<DiscoveryServer> {
  const onRefused: ServerHooks["onRefused"] = (reason, details) => {
    refusals.push(reason);
    refusedAddresses.push(details?.clientAddress);
  };
  const hooks = { onRefused };
  const server = await startService({ ...options, hooks });
  onTestFinished(() => server.close());
  return server;
}

function openSession(server: DiscoveryServer) {
  const session = connect(server.url, { ca: CA });
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  return session;
}

describe("connections", () => {
  test("have a ceiling, and one that ends makes room", async () => {
    const server = await start({ connections: { maxConnections: 2, sharePercent: 0 } });
    const first = await rawSocket(server);
    await rawSocket(server);
    const third = await rawSocket(server);
    expect(await third.said).toBe("");
    expect(refusals).toEqual(["connection_limit"]);
    first.socket.destroy();
    await first.said;
    // The server hears of it a little later.
    await expect
      .poll(async () => {
        const { socket, said } = await rawSocket(server);
        socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        return said;
      })
      .toMatch(/^HTTP\/1.1 /);
  });
});

describe("a connection that says nothing", () => {
  test.each([
    ["at all", "", {}],
    ["after the first letter", "P", {}],
    ["after HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {}],
    ["after a line of HTTP/1.1", "GET / HTTP/1.1\r\n", {}],
    ["at all, where TLS is spoken", "", { tls: TLS }],
  ])("%s is closed and counted", async (_when, bytes, options) => {
    // Time enough for its bytes to arrive before: those that come after the end reset it.
    const server = await start({ ...options, connections: { firstByteTimeoutMs: 500 } });
    const { socket, said } = await rawSocket(server);
    socket.write(bytes);
    await said;
    await expect.poll(() => refusals).toEqual(["connection_timeout"]);
  });

  test("that has greeted is left alone until it is idle for long", async () => {
    const server = await start({ connections: { firstByteTimeoutMs: 1500 } });
    const greeted = openSession(server);
    await once(greeted, "remoteSettings");
    // Later than the greeted one, and closed before it.
    const { said } = await rawSocket(server);
    await said;
    expect(greeted.closed).toBe(false);
    expect(refusals).toEqual(["connection_timeout"]);
  });
});

describe("an idle HTTP/2 connection", () => {
  test("is closed in good order and counted, pings or not", async () => {
    const server = await start({ connections: { idleTimeoutMs: 100 } });
    const session = openSession(server);
    await once(session, "remoteSettings");
    const closed = once(session, "close");
    const goaway = once(session, "goaway");
    const pings = setInterval(() => {
      if (!session.destroyed) session.ping(() => {});
    }, 10);
    onTestFinished(() => clearInterval(pings));
    const [code] = await goaway;
    expect(code).toBe(constants.NGHTTP2_NO_ERROR);
    await closed;
    expect(refusals).toEqual(["connection_idle"]);
  });

  test("is one without a watch: one with a watch stays for as long as it watches", async () => {
    const server = await start({ connections: { idleTimeoutMs: 100 } });
    const client = grpcClient(server.url);
    const end = new AbortController();
    onTestFinished(() => end.abort());
    const watch = client.watch({ clusterId: "c" }, { signal: end.signal });
    const messages = watch[Symbol.asyncIterator]();
    await messages.next();
    for (let i = 0; i < 3; i++) {
      const idle = openSession(server);
      await once(idle, "close");
    }
    expect(refusals).toEqual(["connection_idle", "connection_idle", "connection_idle"]);
    await server.registry.update({
      clusterId: "c",
      affiliateId: "a",
      endpoints: [],
      ttlMs: 60_000,
    });
    const { value } = await messages.next();
    expect(value?.affiliates.map((affiliate: { readonly id: string }) => affiliate.id)).toEqual([
      "a",
    ]);
  });

  test("may be used again and again before", async () => {
    const server = await start({ connections: { idleTimeoutMs: 2000 } });
    const session = openSession(server);
    for (let i = 0; i < 5; i++) {
      const answer = await call(session, {});
      expect(answer.trailers["grpc-status"]).toBe("0");
      await sleep(10);
    }
    expect(refusals).toEqual([]);
  });
});

describe("streams of a connection", () => {
  test("have a ceiling that clients are told, and keep to", async () => {
    const server = await start({ connections: { maxStreamsPerConnection: 2 } });
    const session = openSession(server);
    await once(session, "remoteSettings");
    expect(session.remoteSettings.maxConcurrentStreams).toBe(2);
    const watches = [1, 2].map(() => {
      const stream = session.request({ ...HEADERS, ":path": `${SERVICE}/Watch` });
      stream.on("error", () => {});
      stream.resume();
      stream.end(frame(Buffer.from([0x0a, 1, 0x63])));
      return stream;
    });
    await expect.poll(async () => (await server.registry.totals()).watchers).toBe(2);
    let isAnswered = false;
    const third = call(session, {}).then((answer) => {
      isAnswered = true;
      return answer;
    });
    await new Promise<void>((resolve) => void session.ping(() => resolve()));
    expect(isAnswered).toBe(false);
    watches[0]?.close(constants.NGHTTP2_CANCEL);
    // Node refuses one that comes in the very turn in which another one ends.
    expect((await third).resetCode).toBeOneOf([
      constants.NGHTTP2_NO_ERROR,
      constants.NGHTTP2_ENHANCE_YOUR_CALM,
    ]);
    await expect.poll(async () => (await call(session, {})).trailers["grpc-status"]).toBe("0");
  });
});

describe("headers", () => {
  test("over HTTP/2 have a ceiling that clients are told, and more is reset", async () => {
    const server = await start({ connections: { maxHeaderBytes: 2048 } });
    const session = openSession(server);
    await once(session, "remoteSettings");
    expect(session.remoteSettings.maxHeaderListSize).toBe(2048);
    expect((await call(session, { "x-a": "a".repeat(1500) })).trailers["grpc-status"]).toBe("0");
    expect((await call(session, { "x-a": "a".repeat(2100) })).resetCode).toBe(
      constants.NGHTTP2_ENHANCE_YOUR_CALM,
    );
    expect((await call(session, {})).trailers["grpc-status"]).toBe("0");
  });

  test("over HTTP/1.1 have a ceiling, and more is answered with 431 and counted", async () => {
    const server = await start({ connections: { maxHeaderBytes: 2048 } });
    const answer = async (bytes: number) => {
      const { socket, said } = await rawSocket(server);
      const head = "GET /nothing-here HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
      socket.write(`${head}X-A: ${"a".repeat(bytes)}\r\n\r\n`);
      return (await said).split("\r\n", 1)[0];
    };
    expect(await answer(1500)).toBe("HTTP/1.1 404 Not Found");
    expect(refusals).toEqual([]);
    expect(await answer(2100)).toBe("HTTP/1.1 431 Request Header Fields Too Large");
    expect(refusals).toEqual(["headers_too_large"]);
  });
});

describe("a request message", () => {
  const hello = (bytes: number) => frame(Buffer.alloc(bytes));

  test.each([true, false])(
    "has a ceiling, and more is told and counted (fast path: %s)",
    async (fastPath) => {
      const server = await start({ fastPath, maxRequestBytes: 1000 });
      const client = grpcClient(server.url);
      const update = (bytes: number) =>
        client.affiliateUpdate({
          clusterId: "c",
          affiliateId: "a",
          affiliateData: new Uint8Array(bytes),
          ttl: { seconds: 60n },
        });
      await update(900);
      expect(refusals).toEqual([]);
      await expect(update(1000)).rejects.toMatchObject({ code: Code.ResourceExhausted });
      expect(refusals).toEqual(["body_too_large"]);
    },
  );

  test.each([true, false])(
    "may take so long, and longer is told and counted (fast path: %s)",
    async (fastPath) => {
      const server = await start({ fastPath, bodyTimeoutMs: 100 });
      const session = openSession(server);
      const stream = session.request({ ...HEADERS, ":path": `${SERVICE}/Hello` });
      const answered = new Promise((resolve) => stream.once("close", resolve));
      stream.on("error", () => {});
      stream.resume();
      stream.write(hello(100).subarray(0, 10));
      await answered;
      expect(refusals).toEqual(["body_timeout"]);
    },
  );

  test("that is cut or no message is counted where nodes call", async () => {
    const server = await start({});
    const session = openSession(server);
    expect((await call(session, {}, Buffer.from([0, 0, 0]))).status).toBe("3");
    expect((await call(session, {}, frame(Buffer.from([0xff])))).status).toBe("13");
    expect(refusals).toEqual(["malformed", "malformed"]);
  });

  test("of 0 bytes at most, or of no number, is a mistake", async () => {
    for (const value of [0, -1, 1.5, Number.NaN, 2 ** 32]) {
      await expect(startService({ maxRequestBytes: value })).rejects.toThrow(
        new RangeError(`maxRequestBytes must be an integer from 1 to 4294967295, got ${value}`),
      );
    }
  });
});

describe("what is not spoken here is counted", () => {
  test("TLS on a plaintext port", async () => {
    const server = await start({});
    const { socket, said } = await rawSocket(server);
    socket.write(Buffer.from([0x16, 3, 1, 0, 1, 0]));
    expect(await said).toContain("This port speaks plaintext");
    expect(refusals).toEqual(["wrong_scheme"]);
  });

  test("plaintext on a TLS port", async () => {
    const server = await start({ tls: TLS });
    const { socket, said } = await rawSocket(server);
    socket.write("GET / HTTP/1.1\r\n\r\n");
    expect(await said).toContain("This port speaks TLS");
    expect(refusals).toEqual(["wrong_scheme"]);
  });

  test("a TLS handshake that fails", async () => {
    const server = await start({ tls: TLS });
    const { socket, said } = await rawSocket(server);
    socket.write(Buffer.concat([Buffer.from([0x16, 3, 1, 0, 32]), Buffer.alloc(32)]));
    await said;
    await expect.poll(() => refusals).toEqual(["tls_handshake"]);
    await expectServing(server);
  });

  test("what is no HTTP", async () => {
    const server = await start({});
    const { socket, said } = await rawSocket(server);
    socket.write("GET / SMTP\r\n\r\n");
    expect(await said).toMatch(/^HTTP\/1.1 400 /);
    expect(refusals).toEqual(["not_http"]);
  });
});

test.each([
  "maxConnections",
  "maxStreamsPerConnection",
  "maxHeaderBytes",
  "firstByteTimeoutMs",
  "idleTimeoutMs",
  "writeTimeoutMs",
  "pingIntervalMs",
  "pingTimeoutMs",
  "maxConnectStreamsPerConnection",
] as const)("%s is a positive integer", async (name) => {
  for (const value of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
    await expect(startService({ connections: { [name]: value } })).rejects.toThrow(
      new RangeError(`connections.${name} must be an integer from 1 to 2147483647, got ${value}`),
    );
  }
});

test("sharePercent is an integer that may be 0", async () => {
  for (const value of [-1, 1.5, Number.NaN, 2 ** 31]) {
    await expect(startService({ connections: { sharePercent: value } })).rejects.toThrow(
      new RangeError(
        `connections.sharePercent must be an integer from 0 to 2147483647, got ${value}`,
      ),
    );
  }
});

const SERVICE = "/sidero.discovery.server.Cluster";
const HEADERS = {
  ":method": "POST",
  "content-type": "application/grpc",
  te: "trailers",
} as const;

interface Answer {
  readonly trailers: IncomingHttpHeaders;
  /** gRPC's, wherever it stands. */
  readonly status: string | undefined;
  readonly resetCode: number;
}

/** A Hello with headers of its own. */
async function call(
  session: ReturnType<typeof openSession>,
  headers: OutgoingHttpHeaders,
  body: Buffer = frame(Buffer.from([0x0a, 1, 0x63])),
): Promise<Answer> {
  const stream = session.request({ ...HEADERS, ":path": `${SERVICE}/Hello`, ...headers });
  const trailers: IncomingHttpHeaders = {};
  const response: IncomingHttpHeaders = {};
  stream.on("error", () => {});
  stream.on("trailers", (received) => Object.assign(trailers, received));
  stream.on("response", (received) => Object.assign(response, received));
  stream.resume();
  stream.end(body);
  await new Promise((resolve) => stream.once("close", resolve));
  const status = { ...response, ...trailers }["grpc-status"] as string | undefined;
  return { trailers, status, resetCode: stream.rstCode };
}
