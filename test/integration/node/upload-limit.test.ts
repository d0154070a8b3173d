import type { EventEmitter } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { serve } from "../../../src/node/index.ts";

const LIMIT = { perSecond: 100, burst: 20_000 };
const OVER_LIMIT = Buffer.alloc(50_000);

/** Errors before it do not matter. */
function untilClosed(peer: EventEmitter): Promise<void> {
  peer.on("error", () => {});
  return new Promise((resolve) => peer.once("close", resolve));
}

/** Sends a body on an HTTP/2 connection, which stays open. */
async function send(url: string): Promise<{ closed: Promise<void>; close(): void }> {
  const session = connectHttp2(url);
  const closed = untilClosed(session);
  const request = session.request({ ":method": "POST", ":path": "/" }, { endStream: false });
  request.resume();
  request.end(OVER_LIMIT);
  await untilClosed(request);
  return { closed, close: () => session.destroy() };
}

test("a client that sends too much is closed and refused, but not on the port that probes ask", async () => {
  const refusals: string[] = [];
  await using server = await serve({
    host: "127.0.0.1",
    port: 0,
    landing: { port: 0 },
    uploadRate: LIMIT,
    hooks: { onRefused: (reason) => refusals.push(reason) },
  });
  const { closed } = await send(server.url);
  await closed;
  expect(refusals).toEqual(["upload_limit"]);

  const second = connect(server.port, "127.0.0.1");
  second.resume();
  await untilClosed(second);
  expect(refusals).toEqual(["upload_limit", "upload_limit"]);

  const probe = await fetch(`http://127.0.0.1:${server.landing?.port}/healthz`);
  expect(probe.status).toBe(200);
});

test("a trusted proxy may send for many", async () => {
  await using server = await serve({
    host: "127.0.0.1",
    port: 0,
    trustedProxies: ["127.0.0.0/8"],
    uploadRate: LIMIT,
  });
  const first = await send(server.url);
  first.close();
  const second = await send(server.url);
  second.close();
});
