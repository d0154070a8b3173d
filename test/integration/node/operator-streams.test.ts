import { once } from "node:events";
import { connect } from "node:http2";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, test } from "vitest";
import { ServerReflection } from "../../../src/protocol/gen/grpc/reflection/v1/reflection_pb.ts";
import type { RefusalReason } from "../../../src/server/index.ts";
import { frame, startService } from "../../harness/service/test-service.ts";

const REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const REFLECTION_ALPHA = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
const QUESTION = frame(Buffer.from([0x3a, 0]));

describe("a call whose caller never ends its request is ended by the body timeout:", () => {
  test.each([
    [REFLECTION, undefined],
    [REFLECTION, QUESTION],
    [REFLECTION_ALPHA, undefined],
    [REFLECTION_ALPHA, QUESTION],
    ["/grpc.health.v1.Health/Watch", undefined],
    ["/grpc.health.v1.Health/Watch", frame(Buffer.alloc(0))],
    ["/grpc.health.v1.Health/Check", frame(Buffer.alloc(0))],
  ])("%s", async (path, message) => {
    const refusals: RefusalReason[] = [];
    await using server = await startService({
      bodyTimeoutMs: 100,
      hooks: { onRefused: (reason) => refusals.push(reason) },
    });
    const session = connect(server.url);
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.on("error", () => {});
    if (message !== undefined) {
      stream.write(message);
      // One that asks again is no different.
      stream.once("data", () => stream.write(message));
    }
    stream.resume();
    const [trailers] = await once(stream, "trailers");
    expect(trailers["grpc-status"]).toBe(String(Code.DeadlineExceeded));
    await once(stream, "close");
    session.close();
    expect(refusals).toEqual(["body_timeout"]);
  });
});

test("one reflection call asks so much and no more", async () => {
  await using server = await startService();
  const client = createClient(ServerReflection, createGrpcTransport({ baseUrl: server.url }));
  async function* questions() {
    for (let i = 0; i < 1000; i++) {
      yield { messageRequest: { case: "listServices", value: "" } } as const;
    }
  }
  let answers = 0;
  const asking = (async () => {
    for await (const _ of client.serverReflectionInfo(questions())) answers += 1;
  })();
  const error = ConnectError.from(await asking.catch((failure: unknown) => failure));
  expect([answers, error.code]).toEqual([256, Code.ResourceExhausted]);
  expect(error.rawMessage).toBe("more than 256 questions in one call");
});
