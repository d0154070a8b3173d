/**
 * Answers that nobody reads: each waits for its reader, who has no window, or does not read its socket.
 * @module
 */
import { randomBytes } from "node:crypto";
import type { Attack, Attacker } from "../harness/attacker.ts";
import {
  ask,
  type Encoding,
  GRPC,
  STREAM_ENCODINGS,
  UNARY_ENCODINGS,
} from "../harness/encodings.ts";
import { FULL_CLUSTER } from "../harness/fill.ts";
import type { Http2Peer } from "../harness/http2-peer.ts";
import { ATTACKER, manyAddresses } from "../harness/loopback-address.ts";
import { clusterPath, updateRequest } from "../harness/messages.ts";

const LISTS = 300;
const LISTS_PER_CONNECTION = 12;
const WATCHES = 225;
/** With a limit for calls that lets one address do in seconds what takes half a minute with the default. */
const PER_SECOND = 150;
/** One address may so often within the default limit, after its burst. */
const DEFAULT_PER_SECOND = 14;
const DEFAULT_BURST = 50;

/** Who asks: one address that may often, or as many as it takes within the default limit. */
type Addresses = "one" | "many";

/** Each answer differs from the one before, so that none can be shared. */
async function changing(
  attacker: Attacker,
  { count, perSecond, addresses }: { count: number; perSecond: number; addresses: Addresses },
  one: (index: number) => Promise<void> | void,
): Promise<void> {
  let changer = await attacker.http2();
  await attacker.pace(perSecond, count / perSecond, async (index) => {
    if (addresses === "many" && index % DEFAULT_BURST === 0) {
      changer = await attacker.http2({ localAddress: manyAddresses(index / DEFAULT_BURST, 2) });
    }
    const update = updateRequest({
      clusterId: attacker.fullCluster,
      affiliateId: "node-0",
      data: randomBytes(FULL_CLUSTER.dataBytes),
    });
    changer.call(clusterPath("AffiliateUpdate"), update);
    await one(index);
  });
}

function unreadLists(encoding: Encoding, addresses: Addresses): Attack {
  return {
    name: `${LISTS} lists without a window, a change between, ${encoding.name}`,
    run: async (attacker) => {
      let peer: Http2Peer | undefined;
      await changing(
        attacker,
        { count: LISTS, perSecond: PER_SECOND, addresses },
        async (index) => {
          if (index % LISTS_PER_CONNECTION === 0) {
            const localAddress = addresses === "one" ? ATTACKER : manyAddresses(index, 3);
            peer = await attacker.http2({ streamWindow: 0, localAddress });
          }
          if (peer) ask(peer, "List", encoding, attacker.fullCluster);
        },
      );
    },
  };
}

function unreadWatches(encoding: Encoding, addresses: Addresses): Attack {
  const perSecond = addresses === "one" ? PER_SECOND : DEFAULT_PER_SECOND;
  return {
    name: `${WATCHES} watches without a window on one connection, a change between, ${encoding.name}`,
    run: async (attacker) => {
      const peer = await attacker.http2({ streamWindow: 0 });
      await changing(attacker, { count: WATCHES, perSecond, addresses }, () => {
        ask(peer, "Watch", encoding, attacker.fullCluster);
      });
    },
  };
}

/** Within the default limits of both services. */
export const UNREAD_GRPC_ANSWERS: readonly Attack[] = [
  unreadLists(GRPC, "many"),
  unreadWatches(GRPC, "many"),
];

/** By one address that may call often. */
export const UNREAD_ANSWERS: readonly Attack[] = [
  ...UNARY_ENCODINGS.map((encoding) => unreadLists(encoding, "one")),
  ...STREAM_ENCODINGS.map((encoding) => unreadWatches(encoding, "one")),
];
