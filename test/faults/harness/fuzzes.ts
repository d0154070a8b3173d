/**
 * Bytes that are wrong in every way that chance finds.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { attack, attackers, type Target } from "../../harness/net/attack.ts";
import {
  callHeaders,
  clusterRequest,
  FLAG,
  frame,
  GREETING,
  grpcMessage,
  PREFACE,
  settings,
  TYPE,
} from "../../harness/net/http2-frames.ts";
import type { SeededRandom } from "./seeded-random.ts";

type Fuzz = (target: Target, random: SeededRandom) => Promise<void>;

const METHODS = ["Hello", "AffiliateUpdate", "AffiliateDelete", "List", "Watch", "Nothing"];
const AT_ONCE = 16;
const LIMIT_MS = 500;

/** By name; each ends by itself within a few seconds. */
export const FUZZES: ReadonlyMap<string, Fuzz> = new Map<string, Fuzz>([
  [
    "random bytes, also behind a good beginning",
    (target, random) =>
      attackers(600, AT_ONCE, () => {
        const beginning = random.pick([
          "",
          "PRI",
          PREFACE,
          GREETING,
          "GET / HTTP/1.1\r\n",
          "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
          Buffer.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3),
        ]);
        const rest = random.bytes(random.below(2000));
        return attack(target, [Buffer.concat([Buffer.from(beginning), rest])], {
          limitMs: LIMIT_MS,
        });
      }),
  ],
  [
    "random frames",
    (target, random) =>
      attackers(600, AT_ONCE, () => {
        const frames = Array.from({ length: 1 + random.below(60) }, () => randomFrame(random));
        return attack(target, [GREETING, ...frames], { limitMs: LIMIT_MS });
      }),
  ],
  [
    "calls with changed bytes",
    (target, random) =>
      attackers(800, AT_ONCE, () => {
        const bytes = randomCall(random);
        for (let flips = 1 + random.below(4); flips > 0; flips--) {
          bytes[PREFACE.length + random.below(bytes.length - PREFACE.length)] = random.below(256);
        }
        return attack(target, [bytes], { limitMs: LIMIT_MS });
      }),
  ],
  [
    "calls that are cut anywhere",
    (target, random) =>
      attackers(800, AT_ONCE, () => {
        const bytes = randomCall(random);
        return attack(target, [bytes.subarray(0, random.below(bytes.length))], {
          limitMs: LIMIT_MS,
        });
      }),
  ],
  [
    "bodies that are no messages",
    (target, random) =>
      attackers(150, AT_ONCE, () => {
        const calls = Array.from({ length: 20 }, (_, index) => {
          const id = 2 * index + 1;
          const body = randomBody(random);
          return Buffer.concat([
            frame(TYPE.headers, FLAG.endHeaders, id, randomHeaders(random)),
            frame(TYPE.data, random.pick([FLAG.none, FLAG.endStream]), id, body),
          ]);
        });
        return attack(target, [GREETING, ...calls], { limitMs: LIMIT_MS });
      }),
  ],
  [
    "calls of a few bytes at a time",
    (target, random) =>
      attackers(100, 100, () => {
        const parts = slices(randomCall(random), () => 1 + random.below(3));
        return attack(target, parts, { limitMs: 4 * LIMIT_MS });
      }),
  ],
  [
    "HTTP/1.1 out of every rule",
    (target, random) =>
      attackers(600, AT_ONCE, () => {
        const lines = Array.from({ length: 1 + random.below(12) }, () => random.pick(HTTP1_LINES));
        const text = `${random.pick(HTTP1_TARGETS)}\r\n${lines.join("\r\n")}\r\n\r\n`;
        const body = random.pick([
          "",
          "5\r\nhello\r\n",
          "fffffffff\r\n",
          "0\r\n\r\n",
          "-1\r\n",
          text,
        ]);
        return attack(target, [Buffer.from(text + body)], { limitMs: LIMIT_MS });
      }),
  ],
]);

const HTTP1_TARGETS = [
  "GET / HTTP/1.1",
  "GET http://[ HTTP/1.1",
  "GET //..%2f%00 HTTP/1.1",
  "POST /sidero.discovery.server.Cluster/Hello HTTP/1.1",
  "OPTIONS * HTTP/1.1",
  "CONNECT localhost:1 HTTP/1.1",
  "GET /?\xff HTTP/1.0",
  "GET / HTTP/9.9",
];

const HTTP1_LINES = [
  "Host: x",
  "Host:",
  "Content-Length: 5",
  "Content-Length: -5",
  "Content-Length: 99999999999999999999",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding : chunked",
  "Connection: Upgrade, HTTP2-Settings",
  "Upgrade: h2c",
  "HTTP2-Settings: AAMAAABkAAQAAP__",
  "Expect: 100-continue",
  "Content-Type: application/proto",
  "Content-Type: application/connect+json",
  "Content-Type: application/grpc-web+proto",
  "Content-Encoding: gzip",
  "Connect-Protocol-Version: 9",
  "Connect-Timeout-Ms: -1",
  "Grpc-Timeout: 99999999H",
  "Accept-Encoding: gzip;q=x",
  " folded",
  "\0: \x01",
  `X: ${"x".repeat(3000)}`,
];

/** In packets of their own, so that every boundary is met in the middle. */
async function* slices(bytes: Buffer, size: () => number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + size();
    yield bytes.subarray(at, end);
    at = end;
    await sleep(1);
  }
}

function randomFrame(random: SeededRandom): Buffer {
  const payload = random.bytes(random.pick([0, 1, 4, 5, 6, 8, 9, random.below(300)]));
  const length = random.below(20) === 0 ? random.below(2 ** 24) : payload.length;
  const stream = random.pick([0, 1, 1, 3, 5, 2, 0x7fff_ffff, 0x8000_0001]);
  return frame(random.below(12), random.below(256), stream, payload, length);
}

function randomCall(random: SeededRandom): Buffer {
  return Buffer.concat([
    PREFACE,
    settings([4, random.pick([0, 1, 65_535])]),
    frame(TYPE.headers, FLAG.endHeaders, 1, randomHeaders(random)),
    frame(TYPE.data, FLAG.endStream, 1, grpcMessage(clusterRequest("fuzz"))),
  ]);
}

function randomHeaders(random: SeededRandom): Buffer {
  const address = `10.7.${random.below(256)}.${random.below(256)}`;
  const more: [string, string][] = [["x-real-ip", address]];
  if (random.below(4) === 0) {
    more.push([
      random.pick([
        "grpc-timeout",
        "grpc-encoding",
        "content-length",
        "te",
        "x-forwarded-for",
        "x-bin",
      ]),
      random.pick(["", "1n", "1S", "-1", "99999999H", "gzip", "identity", "\xff\xfe", "a,b,,c"]),
    ]);
  }
  return callHeaders(random.pick(METHODS), more);
}

function randomBody(random: SeededRandom): Buffer {
  const message = random.bytes(random.below(200));
  return random.pick([
    () => message,
    () => grpcMessage(message),
    () => grpcMessage(message, { flags: random.below(256) }),
    () => grpcMessage(message, { length: random.pick([0, 1, 2 ** 31, 2 ** 32 - 1]) }),
    () => Buffer.concat([grpcMessage(clusterRequest("fuzz")), grpcMessage(message)]),
  ])();
}
