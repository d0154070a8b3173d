/**
 * Requests of a procedure's path that no procedure hears of count as probes, whatever type they name.
 */
import { connect } from "node:http2";
import { expect, onTestFinished, test } from "vitest";
import { startService } from "../../harness/service/test-service.ts";

const PATH = "/sidero.discovery.server.Cluster/List";

async function start() {
  const server = await startService({ probeRateLimit: { perSecond: 0.001, burst: 3 } });
  onTestFinished(() => server.close());
  return server;
}

test.each(["GET", "PUT", "OPTIONS"])("%s of a procedure is a probe", async (method) => {
  const { url } = await start();
  const statuses: number[] = [];
  for (let i = 0; i < 5; i++) {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${url}${PATH}`, { method, headers });
    await response.arrayBuffer();
    statuses.push(response.status);
  }
  expect(statuses.slice(3)).toEqual([429, 429]);
});

test("GET of a procedure is a probe over HTTP/2", async () => {
  const { url } = await start();
  const session = connect(url);
  onTestFinished(() => session.destroy());
  const statuses: unknown[] = [];
  for (let i = 0; i < 5; i++) {
    const stream = session.request({ ":path": PATH, "content-type": "application/json" });
    stream.resume();
    stream.once("response", (headers) => statuses.push(headers[":status"]));
    await new Promise((resolve) => stream.once("close", resolve));
  }
  expect(statuses).toEqual([405, 405, 405, 429, 429]);
});

test("CONNECT is a probe", async () => {
  const { url } = await start();
  const session = connect(url);
  onTestFinished(() => session.destroy());
  const statuses: unknown[] = [];
  for (let i = 0; i < 5; i++) {
    const stream = session.request({ ":method": "CONNECT", ":authority": "example.com:443" });
    stream.on("error", () => {});
    stream.resume();
    stream.once("response", (headers) => statuses.push(headers[":status"]));
    await new Promise((resolve) => stream.once("close", resolve));
  }
  expect(statuses).toEqual([405, 405, 405, 429, 429]);
});

test("a call of a type that is not supported counts as a probe, and goes on at a cost", async () => {
  const { url } = await start();
  const headers = { "content-type": "application/grpc-web-text" };
  const connections: (string | null)[] = [];
  for (let i = 0; i < 5; i++) {
    const response = await fetch(`${url}${PATH}`, { method: "POST", headers, body: "AAAAAAA=" });
    await response.arrayBuffer();
    expect(response.status).toBe(415);
    connections.push(response.headers.get("connection"));
  }
  expect(connections.slice(3)).toEqual(["close", "close"]);
});
