/**
 * HTTP/1.1 has the same limits on every port: the service's, the landing page's and that of
 * metrics.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { ConnectionLimits } from "../../../../src/node/http/connection-limits.ts";
import type { DiscoveryServer } from "../../../../src/node/serve.ts";
import type { RefusalReason } from "../../../../src/server/rpc/refusal-reason.ts";
import { CA, startService, TLS } from "../../../harness/service/test-service.ts";

const PORTS = ["service", "landing", "metrics"] as const;
/** More than the system takes for a peer that does not read. */
const BIG = "x".repeat(16 * 2 ** 20);

const refusals: RefusalReason[] = [];
let server: DiscoveryServer;

async function start(connections: ConnectionLimits = {}, tls?: typeof TLS): Promise<void> {
  const pages = async ({ url }: { readonly url: URL }) => ({
    status: 200,
    headers: { "content-type": "text/plain" },
    text: url.pathname === "/big" ? BIG : "hello",
  });
  server = await startService({
    connections,
    tls,
    pages,
    landing: { port: 0 },
    metrics: { port: 0, pages },
    hooks: { onRefused: (reason) => refusals.push(reason) },
  });
  onTestFinished(() => server.close());
}

beforeEach(() => {
  refusals.length = 0;
});
afterEach(() => {
  refusals.length = 0;
});

function portOf(name: (typeof PORTS)[number]): number {
  return (name === "service" ? server.port : server[name]?.port) as number;
}

/** A connection whose answers are not read until somebody does. */
async function open(port: number, bytes: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(bytes);
  return socket;
}

/** All that a connection says until it is closed. */
async function talk(port: number, bytes: string): Promise<string> {
  const socket = await open(port, bytes);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => socket.once("close", resolve));
  return Buffer.concat(chunks).toString("latin1");
}

function statusLines(said: string): string[] {
  return [...said.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status as string);
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

describe.each(PORTS)("on the %s port", (name) => {
  test("an answer that nobody reads ends its connection", async () => {
    await start({ writeTimeoutMs: 300 });
    const socket = await open(portOf(name), get("/big"));
    await expect.poll(() => refusals, { timeout: 5000 }).toEqual(["write_timeout"]);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.resume();
    await closed;
  });

  test("requests that are sent before answers have a ceiling", async () => {
    await start();
    const said = await talk(portOf(name), get("/").repeat(5000));
    expect(statusLines(said).length).toBeLessThanOrEqual(16);
    expect(refusals).toEqual(["pipeline_limit"]);
    const ended = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    const expectation = "GET / HTTP/1.1\r\nHost: x\r\nExpect: a\r\n\r\n";
    expect(statusLines(await talk(portOf(name), expectation.repeat(5000)))).toEqual(["417"]);
    const answers = await talk(portOf(name), get("/").repeat(15) + ended);
    expect(statusLines(answers)).toEqual(Array.from({ length: 16 }, () => "200"));
    expect(refusals).toEqual(["pipeline_limit"]);
  });

  test.each([
    ["two Host headers", "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n"],
    ["two Host headers that agree", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"],
    ["no Host header", "GET / HTTP/1.1\r\n\r\n"],
    ["a Host that is no host", 'GET / HTTP/1.1\r\nHost: a"><b\r\n\r\n'],
    ["a target of another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["a target with no host", "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["another version", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"],
    ["a target of no form", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"],
  ])("%s is refused, and nothing after it is answered", async (_what, bytes) => {
    await start();
    expect(statusLines(await talk(portOf(name), bytes + get("/")))).toEqual(["400"]);
    expect(refusals).toEqual(["malformed"]);
  });

  test.each([
    ["HTTP/1.0 without a host", "GET / HTTP/1.0\r\n\r\n"],
    ["an empty Host", "GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n"],
    ["an IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:3000\r\nConnection: close\r\n\r\n"],
    ["one without its brackets", "GET / HTTP/1.1\r\nHost: ::1\r\nConnection: close\r\n\r\n"],
    ["an absolute target", "GET HTTP://a/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"],
  ])("%s is answered", async (_what, bytes) => {
    await start();
    expect(statusLines(await talk(portOf(name), bytes))).toEqual(["200"]);
    expect(refusals).toEqual([]);
  });

  test("a tunnel is closed, and an upgrade is answered without one", async () => {
    await start();
    const port = portOf(name);
    expect(await talk(port, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n")).toBe("");
    const upgrade = "Connection: close, Upgrade\r\nUpgrade: websocket\r\n";
    expect(statusLines(await talk(port, `GET / HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`))).toEqual([
      "200",
    ]);
  });
});

test("an answer that is read slowly is not cut, however long it takes", async () => {
  await start({ writeTimeoutMs: 1000 });
  const slow = await open(server.port, get("/big"));
  // A connection that reads nothing, and begins later.
  await open(server.port, get("/big"));
  let read = 0;
  while (refusals.length === 0) {
    await talk(server.port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    const chunk: Buffer | null = slow.read(32_768);
    if (chunk !== null) read += chunk.length;
  }
  for await (const chunk of slow) {
    read += (chunk as Buffer).length;
    if (read >= BIG.length) break;
  }
  expect(read).toBeGreaterThanOrEqual(BIG.length);
  expect(refusals).toEqual(["write_timeout"]);
});

test("an answer over TLS that nobody reads ends its connection", async () => {
  await start({ writeTimeoutMs: 300 }, TLS);
  const socket = connectTls({ port: server.port, host: "127.0.0.1", ca: CA });
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  socket.write(get("/big"));
  await expect.poll(() => refusals, { timeout: 5000 }).toEqual(["write_timeout"]);
});
