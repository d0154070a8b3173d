/**
 * Requests that are refused before anything of them is read: what clients of each protocol make of
 * the answer.
 */
import { Code, createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { describe, expect, onTestFinished, test } from "vitest";
import { Cluster } from "../../../src/protocol/index.ts";
import { rawCall, startService } from "../../harness/service/test-service.ts";

/** One call has its turn, one waits for hours, and all others are refused at once. */
const rateLimit = { perSecond: 0.0001, burst: 1, maxWaitingPerClient: 1 };

async function startFull() {
  const server = await startService({ rateLimit, shutdownTimeoutMs: 100 });
  const leave = new AbortController();
  onTestFinished(async () => {
    leave.abort();
    await server.close();
  });
  const options = { baseUrl: server.url };
  const client = createClient(Cluster, createGrpcTransport(options));
  await client.hello({ clusterId: "c" });
  const waits = client.hello({ clusterId: "c" }, { signal: leave.signal }).catch(() => "left");
  return { server, options, client, waits };
}

const transports: readonly [string, (baseUrl: string) => Transport][] = [
  ["gRPC", (baseUrl) => createGrpcTransport({ baseUrl })],
  ["gRPC through Connect", (baseUrl) => createGrpcTransport({ baseUrl, useBinaryFormat: false })],
  ["gRPC-Web", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "2" })],
  ["gRPC-Web over HTTP/1.1", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })],
  ["Connect", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2" })],
  [
    "Connect with JSON over HTTP/1.1",
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  ],
];

describe.each(transports)("%s", (_name, open) => {
  test("a refusal is ResourceExhausted with its reason, for calls and for watches", async () => {
    const { server, client } = await startFull();
    const refused = expect.objectContaining({
      code: Code.ResourceExhausted,
      rawMessage: "too many calls wait for the rate limit",
    });
    // Until the call that waits has arrived, this one takes its place.
    const signal = AbortSignal.timeout(5000);
    await expect
      .poll(() =>
        client.hello({ clusterId: "c" }, { signal, timeoutMs: undefined }).catch((e) => e),
      )
      .toEqual(refused);
    const caller = createClient(Cluster, open(server.url));
    await expect(caller.list({ clusterId: "c" })).rejects.toEqual(refused);
    const watch = caller.watch({ clusterId: "c" })[Symbol.asyncIterator]();
    await expect(watch.next()).rejects.toEqual(refused);
  });
});

test("gRPC's refusal is headers that nothing follows", async () => {
  const { server, client } = await startFull();
  await expect
    .poll(() => client.hello({ clusterId: "c" }).catch((error) => error.code))
    .toBe(Code.ResourceExhausted);
  const answer = await rawCall(server.url, { origin: "null" }, Buffer.alloc(5));
  expect(answer.trailers["grpc-status"]).toBe("8");
  expect(answer.data).toHaveLength(0);
});
