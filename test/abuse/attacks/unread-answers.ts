/**
 * Answers to a reader that stops reading: its window stays closed.
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
/** With a raised rate limit; at the default rate one address needs half a minute. */
const PER_SECOND = 200;
/** Within the default rate limit of one address, after its burst. */
const DEFAULT_PER_SECOND = 14;
const DEFAULT_BURST = 50;

/** One address with a raised rate limit, or many addresses within the default limit. */
type Addresses = "one" | "many";

/** Changes the cluster before each call, so that no two answers share bytes. */
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

/** By one address; needs a raised rate limit. */
export const UNREAD_ANSWERS: readonly Attack[] = [
  ...UNARY_ENCODINGS.map((encoding) => unreadLists(encoding, "one")),
  ...STREAM_ENCODINGS.map((encoding) => unreadWatches(encoding, "one")),
];
