/**
 * Calls beside the five of the discovery service: health, reflection, pages, CONNECT, unknown
 * methods and paths; and calls that never send their message. Each costs something, so each counts.
 * @module
 */
import { FLAG, frame, grpcMessage, headerBlock, TYPE } from "../../harness/net/http2-frames.ts";
import type { Attack, Attacker } from "../harness/attacker.ts";
import type { Http2Peer } from "../harness/http2-peer.ts";
import { clusterPath } from "../harness/messages.ts";

export const HEALTH = "/grpc.health.v1.Health";
export const REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/** `ServerReflectionRequest{list_services: ""}` */
export const LIST_SERVICES: Uint8Array = Uint8Array.of(0x3a, 0);
/** `HealthCheckRequest{}`: health of the whole server. */
export const WHOLE_SERVER: Uint8Array = new Uint8Array(0);

const FLOOD_SECONDS = 1;
/** Of one that goes on until new connections are refused. */
const LONG_FLOOD_SECONDS = 5;
const REQUESTS_PER_WRITE = 50;
const STREAMS_PER_CONNECTION = 1000;

/** Enough for a polling health watch to poll a few times. */
const HOLD_SECONDS = 3;
/** Shorter than the timeout for a request body. */
const SHORT_HOLD_SECONDS = 1.5;
/** Streams are opened in steps, so that the service has read some before there are more. */
const STREAMS_PER_STEP = 100;

/** Streams that stay open, on so many connections of one address. */
function heldStreams(
  connections: number,
  open: (peer: Http2Peer, index: number) => void,
  holdSeconds: number = HOLD_SECONDS,
): (attacker: Attacker) => Promise<void> {
  return async (attacker) => {
    for (let connection = 0; connection < connections; connection++) {
      const peer = await attacker.http2();
      for (let index = 0; index < STREAMS_PER_CONNECTION; index++) {
        open(peer, index);
        if (index % STREAMS_PER_STEP === 0) await attacker.hold(0.005);
      }
    }
    await attacker.hold(holdSeconds);
  };
}

export const HEALTH_WATCHES: Attack = {
  name: "1,000 watches of health on each of 11 connections",
  run: heldStreams(11, (peer) => peer.call(`${HEALTH}/Watch`, WHOLE_SERVER)),
};

export const UNKNOWN_HEALTH_WATCHES: Attack = {
  name: "1,000 watches of an unknown service's health on each of 4 connections",
  // HealthCheckRequest{service: "nope"}
  run: heldStreams(4, (peer) => peer.call(`${HEALTH}/Watch`, Buffer.from("\n\x04nope"))),
};

export const OPEN_REFLECTION: Attack = {
  name: "1,000 calls of reflection that stay open on each of 4 connections",
  run: heldStreams(4, (peer) => peer.call(REFLECTION, LIST_SERVICES, [], false)),
};

/** One attack for each protocol. */
export const CALLS_WITHOUT_MESSAGE: readonly Attack[] = [
  ["gRPC", "application/grpc"],
  ["gRPC-Web", "application/grpc-web+proto"],
  ["Connect", "application/proto"],
  ["Connect JSON", "application/json"],
  ["Connect streaming", "application/connect+proto"],
].map(([name = "", type = ""]) => ({
  name: `1,000 calls without a message, ${name}`,
  run: heldStreams(
    1,
    (peer, index) =>
      peer.request("POST", clusterPath(index % 2 === 0 ? "Hello" : "Watch"), {
        headers: [
          ["content-type", type],
          ["te", "trailers"],
        ],
        ends: false,
      }),
    SHORT_HOLD_SECONDS,
  ),
}));

type Fields = readonly (readonly [string, string])[];

function requestFields(method: string, path: string, more: Fields = []): Fields {
  return [
    [":method", method],
    [":scheme", "http"],
    [":path", path],
    [":authority", "localhost"],
    ...more,
  ];
}

const GRPC_FIELDS: Fields = [
  ["content-type", "application/grpc"],
  ["te", "trailers"],
];

/** The same request over and over, on one connection after the other. */
function flood(
  name: string,
  fields: Fields,
  body?: Uint8Array,
  seconds: number = FLOOD_SECONDS,
): Attack {
  const block = headerBlock(fields);
  const one = (peer: Http2Peer): Buffer => {
    const id = peer.nextId();
    if (body === undefined) {
      return frame(TYPE.headers, FLAG.endHeaders | FLAG.endStream, id, block);
    }
    return Buffer.concat([
      frame(TYPE.headers, FLAG.endHeaders, id, block),
      frame(TYPE.data, FLAG.endStream, id, body),
    ]);
  };
  return {
    name: `a flood of ${name} on one connection`,
    run: (attacker) =>
      attacker.flood(seconds, (peer) =>
        Buffer.concat(Array.from({ length: REQUESTS_PER_WRITE }, () => one(peer))),
      ),
  };
}

const grpc = (path: string) => requestFields("POST", path, GRPC_FIELDS);

/** What the reference answers too. */
export const GRPC_FLOODS: readonly Attack[] = [
  flood("Health/Check", grpc(`${HEALTH}/Check`), grpcMessage(WHOLE_SERVER)),
  flood("reflection", grpc(REFLECTION), grpcMessage(LIST_SERVICES)),
  flood("unknown methods", grpc("/nope/nope"), grpcMessage(new Uint8Array(0))),
  flood(
    "calls that the rate limit holds back",
    grpc(clusterPath("Hello")),
    grpcMessage(WHOLE_SERVER),
  ),
];

export const LONG_FLOOD: Attack = flood(
  "unknown methods",
  grpc("/nope/nope"),
  grpcMessage(new Uint8Array(0)),
  LONG_FLOOD_SECONDS,
);

/** In the protocol of nodes, and in the cheapest one to write. */
export const MALFORMED_FLOODS: readonly Attack[] = [
  flood("malformed calls", grpc(clusterPath("Hello")), grpcMessage(Buffer.of(0xff))),
  flood(
    "malformed calls as JSON",
    requestFields("POST", clusterPath("Hello"), [["content-type", "application/json"]]),
    Buffer.from("{"),
  ),
];

export const PAGE_FLOODS: readonly Attack[] = [
  flood("/healthz", requestFields("GET", "/healthz")),
  flood("/style.css", requestFields("GET", "/style.css")),
  flood("the landing page", requestFields("GET", "/", [["accept", "text/html"]])),
  flood("/inspect", requestFields("GET", "/inspect?clusterID=none")),
  flood("paths that do not exist", requestFields("GET", "/nope")),
  flood("CONNECT", [
    [":method", "CONNECT"],
    [":authority", "localhost:22"],
  ]),
  flood(
    "OPTIONS",
    requestFields("OPTIONS", clusterPath("List"), [["origin", "https://x.example"]]),
  ),
];
