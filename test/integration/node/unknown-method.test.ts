import { once } from "node:events";
import { type ClientHttp2Stream, connect, constants, type IncomingHttpHeaders } from "node:http2";
import { describe, expect, test } from "vitest";
import { serve } from "../../../src/node/serve.ts";

/** Headers as gRPC clients read a status: of trailers, or of a response that is headers and nothing else. */
async function grpcStatus(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  let status: IncomingHttpHeaders = {};
  stream.on("response", (headers, flags) => {
    if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) status = headers;
  });
  stream.on("trailers", (trailers) => {
    status = trailers;
  });
  stream.resume();
  await once(stream, "close");
  return status;
}

describe("a gRPC call of a method that does not exist", () => {
  test.each(["/sidero.discovery.server.Cluster/Nothing", "/no.such.Service/Hello", "/"])(
    "is unimplemented, in a status that ends the stream: %s",
    async (path) => {
      await using server = await serve({ host: "127.0.0.1", port: 0 });
      const session = connect(server.url);
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc+proto",
        te: "trailers",
      });
      stream.end(Buffer.from([0, 0, 0, 0, 0]));
      const status = await grpcStatus(stream);
      session.close();
      expect(status["grpc-status"]).toBe("12");
      expect(status["grpc-message"]).toContain("unknown%20method");
    },
  );
});
