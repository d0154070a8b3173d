/**
 * As much as many addresses can store within their rate limits.
 * @module
 */
import type { Attack } from "../harness/attacker.ts";
import { largestUpdate } from "../harness/fill.ts";
import type { Http2Peer } from "../harness/http2-peer.ts";
import { manyAddresses } from "../harness/loopback-address.ts";
import { clusterPath } from "../harness/messages.ts";
import { waitUntil } from "../harness/raw-peer.ts";

const AFFILIATES = 10_000;
const PER_ADDRESS = 50;
const PER_CLUSTER = 1000;

export const FILLING: Attack = {
  name: `${AFFILIATES} of the largest affiliates, by ${AFFILIATES / PER_ADDRESS} addresses`,
  run: async (attacker) => {
    for (let first = 0; first < AFFILIATES; first += PER_ADDRESS) {
      const localAddress = manyAddresses(first / PER_ADDRESS, 7);
      const peer: Http2Peer = await attacker.http2({ localAddress });
      for (let index = first; index < first + PER_ADDRESS; index++) {
        const clusterId = `filled-${Math.floor(index / PER_CLUSTER)}`;
        peer.call(clusterPath("AffiliateUpdate"), largestUpdate(clusterId, `a-${index}`));
      }
      await waitUntil("all are stored", () => peer.openCount === 0);
      peer.close();
    }
  },
};

const CONNECTIONS = 5000;

export const IDLE_CONNECTIONS: Attack = {
  name: `${CONNECTIONS} connections of one address that only greet`,
  run: async (attacker) => {
    for (let i = 0; i < CONNECTIONS; i++) await attacker.http2();
    await attacker.hold(2);
  },
};
