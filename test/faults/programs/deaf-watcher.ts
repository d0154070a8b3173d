/**
 * Watches a cluster over one connection, with windows as large as there can be, and prints `{"event":"watching"}` when all
 * watches are there. It is then stopped from outside: what comes fills the kernel's buffers, and then the service's.
 *
 * Arguments: URL, cluster ID, number of watches.
 * @module
 */
import { once } from "node:events";
import { connect } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { WatchRequestSchema } from "../../../src/protocol/index.ts";

const LARGEST_WINDOW = 2 ** 31 - 1;

const [url = "", clusterId = "", watches = "1"] = process.argv.slice(2);
const session = connect(url, { settings: { initialWindowSize: LARGEST_WINDOW } });
await once(session, "connect");
session.setLocalWindowSize(LARGEST_WINDOW);
const message = toBinary(WatchRequestSchema, create(WatchRequestSchema, { clusterId }));
const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
await Promise.all(
  Array.from({ length: Number(watches) }, async () => {
    const stream = session.request({
      ":method": "POST",
      ":path": "/sidero.discovery.server.Cluster/Watch",
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.resume();
    stream.end(frame);
    await once(stream, "response");
  }),
);
process.stdout.write('{"event":"watching"}\n');
