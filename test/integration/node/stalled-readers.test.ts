/**
 * Readers that stop in the middle of an answer, when the service ends or their deadline passes.
 */
import { once } from "node:events";
import { type ClientHttp2Stream, connect } from "node:http2";
import { connect as connectTcp } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { expect, onTestFinished, test } from "vitest";
import type { DiscoveryServer, ServeOptions } from "../../../src/node/serve.ts";
import { Cluster, WatchRequestSchema } from "../../../src/protocol/index.ts";
import { MemoryBudget } from "../../../src/registry/memory-budget.ts";
import { frame, startService } from "../../harness/service/test-service.ts";

const CLUSTER_ID = "c";
const WATCH = "/sidero.discovery.server.Cluster/Watch";
const BODY = frame(
  toBinary(WatchRequestSchema, create(WatchRequestSchema, { clusterId: CLUSTER_ID })),
);

const TYPES = [
  ["grpc", "application/grpc"],
  ["grpc-web", "application/grpc-web+proto"],
  ["connect", "application/connect+proto"],
] as const;

async function start(options: ServeOptions = {}): Promise<DiscoveryServer> {
  const server = await startService(options);
  onTestFinished(() => server.close());
  for (let i = 0; i < 200; i++) {
    void server.registry.update({
      ...{ clusterId: CLUSTER_ID, affiliateId: `a${i}`, endpoints: [], ttlMs: 60_000 },
      data: new Uint8Array(2048),
    });
  }
  return server;
}

/** A watch whose snapshot is not read beyond the window. */
async function stalledWatch(
  server: DiscoveryServer,
  contentType: string,
  headers: Record<string, string> = {},
): Promise<ClientHttp2Stream> {
  const session = connect(server.url, { settings: { initialWindowSize: 1000 } });
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  const stream = session.request({
    ...{ ":method": "POST", ":path": WATCH, "content-type": contentType, te: "trailers" },
    ...headers,
  });
  stream.on("error", () => {});
  stream.end(BODY);
  await once(stream, "response");
  return stream;
}

test("at the end of the service all who read are told OK in time, whoever else is stalled", async () => {
  const server = await start({ shutdownTimeoutMs: 1500 });
  for (const [, type] of TYPES) await stalledWatch(server, type);
  const { url: baseUrl } = server;
  const transports = [
    createGrpcTransport({ baseUrl }),
    createGrpcTransport({ baseUrl, useBinaryFormat: false }),
    createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
    createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
    createConnectTransport({ baseUrl, httpVersion: "2" }),
    createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  ];
  const watches = transports.map((transport) =>
    createClient(Cluster, transport).watch({ clusterId: CLUSTER_ID })[Symbol.asyncIterator](),
  );
  for (const watch of watches) {
    expect((await watch.next()).value?.affiliates).toHaveLength(200);
  }
  const endsAt = watches.map(async (watch) => {
    expect((await watch.next()).done).toBe(true);
    return performance.now();
  });
  const closesAt = performance.now();
  const closed = server.close();
  for (const endedAt of await Promise.all(endsAt)) expect(endedAt - closesAt).toBeLessThan(1000);
  await closed;
  expect(performance.now() - closesAt).toBeLessThan(3000);
});

test.each(TYPES)(
  "%s: when the deadline of a stalled reader passes, its watch is free, and it is told once it reads",
  async (_name, type) => {
    const memory = new MemoryBudget({ maxBytes: 1e9 });
    const codes: string[] = [];
    const server = await start({ memory, hooks: { onCallEnd: ({ code }) => codes.push(code) } });
    const stream = await stalledWatch(server, type, {
      "grpc-timeout": "300m",
      "connect-timeout-ms": "300",
    });
    await expect.poll(() => codes).toEqual(["DeadlineExceeded"]);
    expect(memory.usedBy("watches")).toBe(0);
    const chunks: Buffer[] = [];
    let trailers: Record<string, unknown> = {};
    stream.on("trailers", (received) => (trailers = received));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    await once(stream, "close");
    const end = Buffer.concat(chunks).subarray(-200).toString("latin1");
    expect(`${trailers["grpc-status"]} ${end}`).toMatch(/^4 |grpc-status: ?4|deadline_exceeded/);
    expect(codes).toEqual(["DeadlineExceeded"]);
    expect(memory.usedBy("unsent")).toBe(0);
  },
);

test("HTTP/1.0 is answered, whole, and its connection is closed", async () => {
  const server = await start();
  const body = JSON.stringify({ clusterId: CLUSTER_ID });
  const socket = connectTcp(server.port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.write(
    `POST ${WATCH.replace("Watch", "List")} HTTP/1.0\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
  await once(socket, "close");
  const [head = "", json = ""] = Buffer.concat(chunks).toString("latin1").split("\r\n\r\n");
  expect(head).toMatch(/^HTTP\/1\.1 200 /);
  expect(JSON.parse(json).affiliates).toHaveLength(200);
});
