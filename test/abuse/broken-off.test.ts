/**
 * Peers that break off are counted as Canceled: no alert, no complaint in the log, and their
 * watches end.
 * @module
 */
import { expect, test } from "vitest";
import { FLAG, frame, TYPE } from "../harness/net/http2-frames.ts";
import { openStage } from "./harness/abuse-stage.ts";
import type { AttackedService } from "./harness/attacked-service.ts";
import { Attacker } from "./harness/attacker.ts";
import { ask, STREAM_ENCODINGS } from "./harness/encodings.ts";
import { type Http2Peer, LARGEST_WINDOW } from "./harness/http2-peer.ts";
import { waitUntil } from "./harness/raw-peer.ts";

const INTERNAL_ERROR = 2;
/** The watch of the good node. */
const OTHER_WATCHES = 1;

const WAYS: readonly (readonly [string, (peer: Http2Peer, stream: number) => void])[] = [
  ["resets its stream", (peer, stream) => peer.resetStream(stream, INTERNAL_ERROR)],
  ["resets its connection", (peer) => peer.reset()],
  ["closes its connection", (peer) => peer.close()],
  [
    "says GOAWAY and leaves",
    (peer) => {
      const payload = Buffer.alloc(8);
      payload.writeUInt32BE(INTERNAL_ERROR, 4);
      peer.send(frame(TYPE.goaway, FLAG.none, 0, payload));
      peer.close();
    },
  ],
];

test("a peer that breaks off its watch is counted as Canceled, in every protocol", async () => {
  const { service } = await openStage({ flags: ["--log-format=json"] });
  const attacker = new Attacker(service, "");
  let watches = 0;
  for (const encoding of STREAM_ENCODINGS) {
    for (const [, breakOff] of WAYS) {
      const peer = await attacker.http2();
      const stream = ask(peer, "Watch", encoding, "broken-off");
      await peer.until("the snapshot", () => (peer.streams.get(stream)?.dataBytes ?? 0) > 0);
      breakOff(peer, stream);
      watches += 1;
    }
  }
  await untilWatches(service, OTHER_WATCHES);
  const codes = new Map<string, number>();
  for (const [labels, count] of await service.metric("grpc_server_handled_total")) {
    const code = /grpc_code="(\w+)"/.exec(labels)?.[1] ?? "";
    if (labels.includes('grpc_method="Watch"')) codes.set(code, count);
  }
  expect(codes.get("Internal") ?? 0).toBe(0);
  expect(codes.get("Unknown") ?? 0).toBe(0);
  // The metric counts a watch that its caller has left as the reference does.
  expect((codes.get("OK") ?? 0) + (codes.get("Canceled") ?? 0)).toBe(watches);
  const isComplaint = (line: string): boolean => /^\{"level":"(?:warn|error)"/.test(line);
  expect(service.process.diagnostics.filter(isComplaint)).toEqual([]);
});

test("a peer that answers no PING frees its watches, and one that answers keeps them", async () => {
  const { service } = await openStage({ flags: ["--ping-interval=1s", "--ping-timeout=1s"] });
  const attacker = new Attacker(service, "");
  const alive: Http2Peer[] = [];
  for (const encoding of STREAM_ENCODINGS) {
    for (const answersPings of [true, false]) {
      const peer = await attacker.http2({ answersPings });
      ask(peer, "Watch", encoding, "half-open");
      if (answersPings) alive.push(peer);
    }
  }
  // Half open: it does not read its socket either.
  const deaf = await attacker.http2({ reads: false, streamWindow: LARGEST_WINDOW });
  for (const encoding of STREAM_ENCODINGS) ask(deaf, "Watch", encoding, "half-open");
  await waitUntil("the living watch", () => alive.every(({ answeredCount }) => answeredCount > 0));

  await untilWatches(service, alive.length + OTHER_WATCHES);
  // They are still there several intervals later.
  await attacker.hold(3);
  expect(alive.filter(({ openCount }) => openCount === 0)).toEqual([]);
  await untilWatches(service, alive.length + OTHER_WATCHES);
});

async function untilWatches(service: AttackedService, count: number): Promise<void> {
  await expect
    .poll(async () => (await service.metric("discovery_state_subscriptions")).get(""), {
      timeout: 10_000,
    })
    .toBe(count);
}
