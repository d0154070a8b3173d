/**
 * Answers that nobody reads: each waits for its reader, who has no window, or does not read its socket.
 * @module
 */
import { randomBytes } from "node:crypto";
import { grpcMessage } from "../../harness/net/http2-frames.ts";
import type { Attack, Attacker } from "../harness/attacker.ts";
import { FULL_CLUSTER } from "../harness/fill.ts";
import type { Http2Peer } from "../harness/http2-peer.ts";
import { clusterPath, clusterRequest, updateRequest } from "../harness/messages.ts";

const LISTS = 300;
const LISTS_PER_CONNECTION = 12;
const WATCHES = 225;
/** With a limit for calls that lets one address do in seconds what takes half a minute with the default. */
const PER_SECOND = 75;

interface Encoding {
  readonly name: string;
  readonly contentType: string;
  readonly body: (clusterId: string) => Uint8Array;
}

const framed = (clusterId: string) => grpcMessage(clusterRequest(clusterId));
const json = (clusterId: string) => Buffer.from(JSON.stringify({ clusterId }));

const GRPC: Encoding = { name: "gRPC", contentType: "application/grpc", body: framed };
const GRPC_WEB: Encoding = {
  name: "gRPC-Web",
  contentType: "application/grpc-web+proto",
  body: framed,
};
const CONNECT: Encoding = {
  name: "Connect",
  contentType: "application/proto",
  body: (clusterId) => clusterRequest(clusterId),
};
const CONNECT_JSON: Encoding = {
  name: "Connect JSON",
  contentType: "application/json",
  body: json,
};
/** Streams of Connect frame their messages as gRPC does. */
const CONNECT_STREAM: Encoding = {
  name: "Connect",
  contentType: "application/connect+proto",
  body: framed,
};
const CONNECT_JSON_STREAM: Encoding = {
  name: "Connect JSON",
  contentType: "application/connect+json",
  body: (clusterId) => grpcMessage(json(clusterId)),
};

/** Asks for something that is never read. */
export function ask(peer: Http2Peer, method: string, encoding: Encoding, clusterId: string): void {
  peer.request("POST", clusterPath(method), {
    headers: [
      ["content-type", encoding.contentType],
      ["te", "trailers"],
    ],
    body: encoding.body(clusterId),
  });
}

/** Each answer differs from the one before, so that none can be shared. */
async function changing(
  attacker: Attacker,
  count: number,
  one: (index: number) => Promise<void> | void,
): Promise<void> {
  const changer = await attacker.http2();
  await attacker.pace(PER_SECOND, count / PER_SECOND, (index) => {
    const update = updateRequest({
      clusterId: attacker.fullCluster,
      affiliateId: "node-0",
      data: randomBytes(FULL_CLUSTER.dataBytes),
    });
    changer.call(clusterPath("AffiliateUpdate"), update);
    return one(index);
  });
}

function unreadLists(encoding: Encoding): Attack {
  return {
    name: `${LISTS} lists without a window, a change between, ${encoding.name}`,
    run: async (attacker) => {
      let peer: Http2Peer | undefined;
      await changing(attacker, LISTS, async (index) => {
        if (index % LISTS_PER_CONNECTION === 0) peer = await attacker.http2({ streamWindow: 0 });
        if (peer) ask(peer, "List", encoding, attacker.fullCluster);
      });
    },
  };
}

function unreadWatches(encoding: Encoding): Attack {
  return {
    name: `${WATCHES} watches without a window on one connection, a change between, ${encoding.name}`,
    run: async (attacker) => {
      const peer = await attacker.http2({ streamWindow: 0 });
      await changing(attacker, WATCHES, () => ask(peer, "Watch", encoding, attacker.fullCluster));
    },
  };
}

/** What the reference answers too. */
export const UNREAD_GRPC_ANSWERS: readonly Attack[] = [unreadLists(GRPC), unreadWatches(GRPC)];

export const UNREAD_ANSWERS: readonly Attack[] = [
  ...UNREAD_GRPC_ANSWERS,
  ...[GRPC_WEB, CONNECT, CONNECT_JSON].map(unreadLists),
  ...[GRPC_WEB, CONNECT_STREAM, CONNECT_JSON_STREAM].map(unreadWatches),
];

/** Every encoding of a stream, for those who ask one at a time. */
export const WATCH_ENCODINGS: readonly Encoding[] = [
  GRPC,
  GRPC_WEB,
  CONNECT_STREAM,
  CONNECT_JSON_STREAM,
];
export const LIST_ENCODINGS: readonly Encoding[] = [GRPC, GRPC_WEB, CONNECT, CONNECT_JSON];
