/**
 * One small change that a thousand watchers receive: few bytes of the attacker cost the service
 * many.
 * @module
 */
import type { Attack } from "../harness/attacker.ts";
import { ask, type Encoding, GRPC, STREAM_ENCODINGS } from "../harness/encodings.ts";
import { FULL_CLUSTER } from "../harness/fill.ts";
import type { Http2Peer } from "../harness/http2-peer.ts";
import { ATTACKER, manyAddresses } from "../harness/loopback-address.ts";
import { clusterPath, updateRequest } from "../harness/messages.ts";
import { waitUntil } from "../harness/raw-peer.ts";

const WATCHES = 1000;
/** The default limit of streams for each protocol but gRPC. */
const WATCHES_PER_CONNECTION = 100;
/** Within the default burst of one address. */
const WATCHES_PER_ADDRESS = 50;
const UPDATES_PER_SECOND = 14;
const SECONDS = 2;
const CLUSTER = "fan-out";

function fanOut(encoding: Encoding, addresses: "one" | "many"): Attack {
  const perConnection = addresses === "one" ? WATCHES_PER_CONNECTION : WATCHES_PER_ADDRESS;
  return {
    name: `${UPDATES_PER_SECOND} updates a second for ${WATCHES} watches, ${encoding.name}`,
    run: async (attacker) => {
      const peers: Http2Peer[] = [];
      for (let first = 0; first < WATCHES; first += perConnection) {
        const localAddress = addresses === "one" ? ATTACKER : manyAddresses(first, 4);
        const peer = await attacker.http2({ localAddress });
        for (let i = 0; i < perConnection; i++) ask(peer, "Watch", encoding, CLUSTER);
        peers.push(peer);
      }
      const answered = () => peers.reduce((sum, { answeredCount }) => sum + answeredCount, 0);
      await waitUntil(`${WATCHES} watches, ${encoding.name}`, () => answered() === WATCHES);
      const changer = await attacker.http2();
      await attacker.pace(UPDATES_PER_SECOND, SECONDS, (index) =>
        changer.call(
          clusterPath("AffiliateUpdate"),
          updateRequest({
            clusterId: CLUSTER,
            affiliateId: "changing",
            data: Uint8Array.of(index & 255),
          }),
        ),
      );
    },
  };
}

const EXPIRING_WATCHES = 5000;
const WATCHES_PER_EXPIRING_CONNECTION = 500;
const EXPIRING_TTL_S = 3;
/** How long after it is due an affiliate may be announced as deleted. */
const EXPIRY_SLACK_S = 2;
const PUBLISHERS = 4;
const EXPIRING_CLUSTER = "expiring";

/** As many changes as a cluster can have, at once, and as many watches as a client may have. */
export const EXPIRING: Attack = {
  name: `${FULL_CLUSTER.affiliates} affiliates that expire together, for ${EXPIRING_WATCHES} watches`,
  run: async (attacker) => {
    const peers: Http2Peer[] = [];
    const perConnection = WATCHES_PER_EXPIRING_CONNECTION;
    for (let first = 0; first < EXPIRING_WATCHES; first += perConnection) {
      const peer = await attacker.http2();
      for (let i = 0; i < perConnection; i++) ask(peer, "Watch", GRPC, EXPIRING_CLUSTER);
      await peer.until("watches", () => peer.answeredCount === perConnection);
      peers.push(peer);
    }
    const perPublisher = FULL_CLUSTER.affiliates / PUBLISHERS;
    for (let first = 0; first < FULL_CLUSTER.affiliates; first += perPublisher) {
      const publisher = await attacker.http2();
      for (let i = first; i < first + perPublisher; i++) {
        const affiliate = {
          clusterId: EXPIRING_CLUSTER,
          affiliateId: `expiring-${i}`,
          data: Uint8Array.of(1),
          ttlS: EXPIRING_TTL_S,
        };
        publisher.call(clusterPath("AffiliateUpdate"), updateRequest(affiliate));
      }
    }
    await attacker.hold(EXPIRING_TTL_S + EXPIRY_SLACK_S);
  },
};

/** Within the default limits of both services. */
export const GRPC_FAN_OUT: Attack = fanOut(GRPC, "many");

/** By one address; needs a raised rate limit. */
export const FAN_OUTS: readonly Attack[] = STREAM_ENCODINGS.map((encoding) =>
  fanOut(encoding, "one"),
);
