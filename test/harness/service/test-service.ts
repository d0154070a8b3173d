/**
 * A service on a free port of this machine, clients of it, and raw calls that no client would make.
 * @module
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, constants, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, type GrpcTransportOptions } from "@connectrpc/connect-node";
import { expect } from "vitest";
import { type DiscoveryServer, type ServeOptions, serve } from "../../../src/node/serve.ts";
import { Cluster } from "../../../src/protocol/index.ts";

export const TLS = {
  cert: readFixture("server.pem"),
  key: readFixture("server-key.pem"),
};

export const CA: string = readFixture("ca.pem");

/** On 127.0.0.1 and any free port, unless told otherwise. */
export function startService(options: ServeOptions = {}): Promise<DiscoveryServer> {
  return serve({ host: "127.0.0.1", port: 0, ...options });
}

export function grpcClient(
  url: string,
  options: Omit<Partial<GrpcTransportOptions>, "baseUrl"> = {},
): Client<typeof Cluster> {
  return createClient(Cluster, createGrpcTransport({ baseUrl: url, ...options }));
}

/** What every test of bad input ends with. */
export async function expectServing(server: DiscoveryServer): Promise<void> {
  const client = grpcClient(server.url, { nodeOptions: { ca: CA } });
  expect((await client.hello({ clusterId: "still-here" })).clientIp).toHaveLength(4);
}

export interface RawAnswer {
  readonly headers: IncomingHttpHeaders;
  /** Those of `Trailers-Only` as well, which is how gRPC calls headers that are all of an answer. */
  readonly trailers: IncomingHttpHeaders;
  readonly data: Buffer;
}

/** Sends headers and bytes over HTTP/2 as they are. `cut` resets the stream instead of ending it. */
export async function rawCall(
  url: string,
  headers: OutgoingHttpHeaders,
  body: Uint8Array,
  { cut = false }: { readonly cut?: boolean } = {},
): Promise<RawAnswer> {
  const session = connect(url, { ca: CA });
  const stream = session.request({
    ":method": "POST",
    ":path": "/sidero.discovery.server.Cluster/Hello",
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  const answer = { headers: {}, trailers: {} };
  const chunks: Buffer[] = [];
  stream.on("response", (received, flags) => {
    Object.assign(answer.headers, received);
    if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) Object.assign(answer.trailers, received);
  });
  stream.on("trailers", (received) => Object.assign(answer.trailers, received));
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  if (cut) stream.write(body, () => stream.close());
  else stream.end(body);
  await once(stream, "close");
  session.close();
  return { ...answer, data: Buffer.concat(chunks) };
}

/** A gRPC frame: a flag, the length, the message. */
export function frame(message: Uint8Array, { flags = 0, length = message.length } = {}): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

/** Opens a connection, and collects what it says until it ends. */
export async function rawSocket(
  server: DiscoveryServer,
): Promise<{ readonly socket: Socket; readonly said: Promise<string> }> {
  const socket = connectTcp(server.port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => {});
  const said = once(socket, "close").then(() => Buffer.concat(chunks).toString("latin1"));
  await once(socket, "connect");
  return { socket, said };
}

function readFixture(name: string): string {
  return readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url), "utf8");
}
