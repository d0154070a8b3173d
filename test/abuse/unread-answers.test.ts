/**
 * A reader that stops reading is closed, and holds little memory until then; a slow reader and a
 * quiet watch are never closed.
 * @module
 */
import { expect, test } from "vitest";
import { HEALTH, LIST_SERVICES, REFLECTION, WHOLE_SERVER } from "./attacks/other-calls.ts";
import { UNREAD_ANSWERS } from "./attacks/unread-answers.ts";
import { type AbuseStage, openFullStage } from "./harness/abuse-stage.ts";
import { Attacker } from "./harness/attacker.ts";
import { ask, STREAM_ENCODINGS, UNARY_ENCODINGS } from "./harness/encodings.ts";
import { type Http1Peer, http1Request } from "./harness/http1-peer.ts";
import type { Http2Peer } from "./harness/http2-peer.ts";
import { clusterPath, clusterRequest } from "./harness/messages.ts";
import { waitUntil } from "./harness/raw-peer.ts";
import { expectToHold } from "./harness/row.ts";

/** At the default rate, one address would need minutes. */
const MANY_CALLS = ["--rate-limit=1000", "--rate-burst=1000"];

/** Short enough to wait for. */
const SHORT_TIMEOUTS = ["--write-timeout=3s", "--idle-timeout=5s", "--first-byte-timeout=3s"];
const CLOSED_LIMIT_MS = 12_000;

/** Several times the timeouts. */
const SLOW_SECONDS = 12;
/** The kernel announces new room in steps, not by the byte. */
const SLOW_SOCKET_BYTES = 1_000_000;
const SLOW_SOCKET_LISTS = 6;
/** A cluster without changes. */
const QUIET_CLUSTER = "quiet";

test("one address asks for answers, and gives them no window", async () => {
  const { service, good, fullCluster } = await openFullStage({ flags: MANY_CALLS });
  await expectToHold(service, good, UNREAD_ANSWERS, fullCluster);
});

test("whatever takes no byte for the write timeout is closed, on every port", async () => {
  const { attacker, stage } = await openAttacker();
  const { service } = stage;
  const silent: { readonly name: string; readonly isGone: () => boolean }[] = [];

  for (const [name, open] of UNREAD_STREAMS) {
    const peer = await attacker.http2({ streamWindow: 0 });
    open(peer, attacker.fullCluster);
    silent.push({ name: `stream without a window: ${name}`, isGone: () => peer.openCount === 0 });
  }
  for (const [name, port, requests] of unreadSockets(stage, attacker.fullCluster)) {
    const peer = await attacker.http1({ port, reads: false });
    peer.send(requests);
    const { localPort } = peer;
    silent.push({
      name: `socket that is not read: ${name}`,
      isGone: () => !service.heldPeers(port).has(localPort),
    });
  }
  const deaf = await attacker.http2({ reads: false });
  for (let i = 0; i < 20; i++) deaf.call(clusterPath("List"), clusterRequest(attacker.fullCluster));
  silent.push({
    name: "socket that is not read: 20 lists of HTTP/2",
    isGone: () => !service.heldPeers().has(deaf.localPort),
  });

  const left = () => silent.filter(({ isGone }) => !isGone()).map(({ name }) => name);
  await waitUntil("the end of all", () => left().length === 0, CLOSED_LIMIT_MS).catch(() => {});
  expect(left()).toEqual([]);
});

test("a reader that takes a few bytes at a time is not cut off, nor is a quiet watch", async () => {
  const { attacker, stage } = await openAttacker();
  const { fullCluster } = attacker;
  const slow: { readonly name: string; readonly peer: Http2Peer; readonly step: number }[] = [];
  for (const step of [1, 10, 100]) {
    for (const [method, encodings] of [
      ["List", UNARY_ENCODINGS],
      ["Watch", STREAM_ENCODINGS],
    ] as const) {
      for (const encoding of encodings) {
        const peer = await attacker.http2({ streamWindow: 0 });
        ask(peer, method, encoding, fullCluster);
        slow.push({ name: `${method}, ${encoding.name}, ${step} bytes a second`, peer, step });
      }
    }
  }
  const quiet: { readonly name: string; readonly peer: Http2Peer }[] = [];
  for (const encoding of STREAM_ENCODINGS) {
    const peer = await attacker.http2();
    ask(peer, "Watch", encoding, QUIET_CLUSTER);
    quiet.push({ name: `quiet watch, ${encoding.name}`, peer });
  }
  const slowSocket = await slowHttp1Reader(attacker);

  await attacker.pace(1, SLOW_SECONDS, () => {
    for (const { peer, step } of slow) peer.giveWindow(1, step);
    slowSocket.takeSome(SLOW_SOCKET_BYTES);
  });
  const cutOff = [...slow, ...quiet].filter(({ peer }) => peer.openCount === 0);
  expect(cutOff.map(({ name }) => name)).toEqual([]);
  for (const { name, peer, step } of slow) {
    await waitUntil(`bytes of ${name}`, () => bytesOf(peer) === SLOW_SECONDS * step);
  }
  const { localPort } = slowSocket;
  expect(stage.service.heldPeers().has(localPort), "a slow reader of HTTP/1.1").toBe(true);
});

async function openAttacker(): Promise<{
  readonly attacker: Attacker;
  readonly stage: AbuseStage;
}> {
  const { fullCluster, ...stage } = await openFullStage({
    flags: [...MANY_CALLS, ...SHORT_TIMEOUTS],
  });
  return { attacker: new Attacker(stage.service, fullCluster), stage };
}

const bytesOf = (peer: Http2Peer): number => peer.streams.get(1)?.dataBytes ?? 0;

type OpenStream = (peer: Http2Peer, fullCluster: string) => void;

const page =
  (path: string): OpenStream =>
  (peer) =>
    peer.request("GET", path, { headers: [["accept", "text/html"]] });

/** Each kind of answer once. */
const UNREAD_STREAMS: readonly (readonly [string, OpenStream])[] = [
  ...UNARY_ENCODINGS.flatMap((encoding) =>
    (["Hello", "List"] as const).map(
      (method) =>
        [
          `${method}, ${encoding.name}`,
          (peer: Http2Peer, cluster: string) => ask(peer, method, encoding, cluster),
        ] as const,
    ),
  ),
  ...STREAM_ENCODINGS.map(
    (encoding) =>
      [
        `Watch, ${encoding.name}`,
        (peer: Http2Peer, cluster: string) => ask(peer, "Watch", encoding, cluster),
      ] as const,
  ),
  ["Health/Check", (peer) => peer.call(`${HEALTH}/Check`, WHOLE_SERVER)],
  ["Health/Watch", (peer) => peer.call(`${HEALTH}/Watch`, WHOLE_SERVER)],
  ["reflection", (peer) => peer.call(REFLECTION, LIST_SERVICES, [], false)],
  ["unknown method", (peer) => peer.call("/nope/nope", WHOLE_SERVER)],
  ["CONNECT", (peer) => peer.request("CONNECT", "/")],
  ["/", page("/")],
  ["/style.css", page("/style.css")],
  ["/stats", page("/stats")],
  ["/healthz", page("/healthz")],
  ["/readyz", page("/readyz")],
  ["/inspect", (peer, cluster) => page(`/inspect?clusterID=${cluster}`)(peer, cluster)],
  ["a path that does not exist", page("/nope")],
];

/** HTTP/1.1 requests whose answers do not fit into the kernel's buffers; and silent connections. */
function unreadSockets(
  { service }: AbuseStage,
  cluster: string,
): readonly (readonly [string, number, Buffer])[] {
  const { port, landingPort, metricsPort } = service;
  const list = http1Request(
    "POST",
    clusterPath("List"),
    { "content-type": "application/proto" },
    clusterRequest(cluster),
  );
  const many = (request: Buffer, count: number): Buffer =>
    Buffer.concat(Array.from({ length: count }, () => request));
  const get = (path: string): Buffer => http1Request("GET", path, { accept: "text/html" });
  return [
    ["a list", port, many(list, 2)],
    ["20 pipelined lists", port, many(list, 20)],
    ["9,000 pipelined pages", port, many(get("/style.css"), 9000)],
    [
      "300 pipelined pages of the landing port",
      landingPort,
      many(get(`/inspect?clusterID=${cluster}`), 300),
    ],
    ["2,000 pipelined scrapes", metricsPort, many(get("/metrics"), 2000)],
    ["landing port, silent", landingPort, Buffer.alloc(0)],
    ["metrics port, silent", metricsPort, Buffer.alloc(0)],
    ["service port, silent", port, Buffer.alloc(0)],
  ];
}

/** An HTTP/1.1 reader whose answers do not fit into the kernel's buffers. */
async function slowHttp1Reader(attacker: Attacker): Promise<Http1Peer> {
  const peer = await attacker.http1({ reads: false });
  const list = http1Request(
    "POST",
    clusterPath("List"),
    { "content-type": "application/proto" },
    clusterRequest(attacker.fullCluster),
  );
  for (let i = 0; i < SLOW_SOCKET_LISTS; i++) peer.send(list);
  return peer;
}
