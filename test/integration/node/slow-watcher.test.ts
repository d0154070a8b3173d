/**
 * A watcher that does not read: flow control holds its messages back, and changes fold into the latest state.
 * @module
 */
import { once } from "node:events";
import { connect } from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  WatchRequestSchema,
  type WatchResponse,
  WatchResponseSchema,
} from "../../../src/protocol/index.ts";
import { frame, grpcClient, startService } from "../../harness/service/test-service.ts";

const UPDATES = 2000;

function readMessages(bytes: Buffer): WatchResponse[] {
  const messages: WatchResponse[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    messages.push(fromBinary(WatchResponseSchema, bytes.subarray(at + 5, end)));
    at = end;
  }
  return messages;
}

test("a slow watcher is not cut off, misses no last state, and keeps no queue", async () => {
  await using server = await startService();
  const session = connect(server.url);
  const stream = session.request({
    ":method": "POST",
    ":path": "/sidero.discovery.server.Cluster/Watch",
    "content-type": "application/grpc",
  });
  stream.end(frame(toBinary(WatchRequestSchema, create(WatchRequestSchema, { clusterId: "c" }))));
  await once(stream, "response");

  const client = grpcClient(server.url);
  const ttl = { seconds: 60n };
  for (let i = 0; i < UPDATES; i++) {
    const affiliateData = new Uint8Array(2048).fill(i);
    await client.affiliateUpdate({ clusterId: "c", affiliateId: "a", affiliateData, ttl });
  }
  await client.affiliateUpdate({ clusterId: "c", affiliateId: "b", ttl });
  await client.affiliateDelete({ clusterId: "c", affiliateId: "b" });
  await client.affiliateUpdate({ clusterId: "c", affiliateId: "last", ttl });

  const chunks: Buffer[] = [];
  let status: string | string[] | undefined;
  stream.on("trailers", (trailers) => {
    status = trailers["grpc-status"];
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  const seesLast = () => Buffer.concat(chunks).includes("last");
  await expect.poll(seesLast).toBe(true);
  const closed = once(stream, "close");
  await server.close();
  await closed;
  session.close();

  const messages = readMessages(Buffer.concat(chunks));
  // The windows of HTTP/2 and the buffers on both sides hold some; all would be over two thousand.
  expect(messages.length).toBeLessThan(UPDATES / 4);
  const known = new Map<string, Uint8Array>();
  for (const { affiliates, deleted } of messages) {
    for (const { id, data } of affiliates) {
      if (deleted) known.delete(id);
      else known.set(id, data);
    }
  }
  expect([...known.keys()].sort()).toEqual(["a", "last"]);
  expect(known.get("a")).toEqual(Buffer.alloc(2048, UPDATES - 1));
  expect(status).toBe("0");
});
