/**
 * Calls whose requests never arrive whole hold memory, and no rate limit sees them.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { connect as connectTcp } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { MemoryBudget } from "../../../src/registry/memory-budget.ts";
import { PENDING_CALL_BYTES } from "../../../src/server/limits/memory-costs.ts";
import type { RefusalReason } from "../../../src/server/rpc/refusal-reason.ts";
import { startService } from "../../harness/service/test-service.ts";

const MAX_BYTES = 6_000_000;
/** Half of the third of the memory that such calls may take. */
const SHARE_BYTES = MAX_BYTES / 6;

async function start() {
  const memory = new MemoryBudget({ maxBytes: MAX_BYTES });
  const refusals: RefusalReason[] = [];
  const server = await startService({
    memory,
    hooks: { onRefused: (reason) => refusals.push(reason) },
  });
  onTestFinished(() => server.close());
  function open(localAddress: string): ClientHttp2Session {
    const session = connect(`http://127.0.0.1:${server.port}`, {
      createConnection: () => connectTcp({ port: server.port, host: "127.0.0.1", localAddress }),
    });
    session.on("error", () => {});
    onTestFinished(() => session.destroy());
    return session;
  }
  return { memory, refusals, open };
}

function begin(session: ClientHttp2Session): ClientHttp2Stream {
  const stream = session.request({
    ":method": "POST",
    ":path": "/sidero.discovery.server.Cluster/List",
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {});
  stream.resume();
  return stream;
}

test("one address holds no more calls without a message than its share, and others call", async () => {
  const { memory, refusals, open } = await start();
  const session = open("127.0.0.1");
  for (let i = 0; i < 250; i++) begin(session);
  const most = Math.ceil(SHARE_BYTES / PENDING_CALL_BYTES);
  await vi.waitFor(() => expect(refusals.length).toBe(250 - most));
  expect(new Set(refusals)).toEqual(new Set(["stream_limit"]));
  expect(memory.usedBy("streams")).toBe(most * PENDING_CALL_BYTES);

  const other = begin(open("127.0.0.2"));
  const answered = new Promise((resolve) => other.once("response", resolve));
  other.end(Buffer.from("00000000030a0163", "hex"));
  expect(await answered).not.toHaveProperty("grpc-status");

  session.destroy();
  await vi.waitFor(() => expect(memory.usedBy("streams")).toBe(0));
});

test("the bytes of requests count while they arrive", async () => {
  const { memory, open } = await start();
  const session = open("127.0.0.1");
  begin(session).write(Buffer.concat([Buffer.from("0000004000", "hex"), Buffer.alloc(10_000)]));
  await vi.waitFor(() => expect(memory.usedBy("streams")).toBeGreaterThan(10_000));
  session.destroy();
  await vi.waitFor(() => expect(memory.usedBy("streams")).toBe(0));
});
