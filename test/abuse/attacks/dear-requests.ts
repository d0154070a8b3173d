/**
 * The largest requests of the smallest parts, which take the longest to read.
 * @module
 */
import { FLAG, frame, grpcMessage, TYPE } from "../../harness/net/http2-frames.ts";
import type { Attack } from "../harness/attacker.ts";
import { manyAddresses } from "../harness/loopback-address.ts";
import { clusterPath, clusterRequest, updateRequest } from "../harness/messages.ts";

const ADDRESSES = 10;
/** Of one address, within the default limit. */
const CALLS_PER_SECOND = 14;
const SECONDS = 2;
/** Over the default limit for a request, so that the limit decides. */
const REQUEST_BYTES = 65_000;
const FRAME_BYTES = 16_384;

/** Fills a message up to `bytes` with copies of `part`. */
function filled(message: Uint8Array, part: Uint8Array, bytes: number): Buffer {
  const copies = Math.floor((bytes - message.length) / part.length);
  return Buffer.concat([message, ...Array.from({ length: copies }, () => part)]);
}

function dear(
  name: string,
  method: string,
  message: Uint8Array,
  part: Uint8Array,
  requestBytes: number,
): Attack {
  const body = grpcMessage(filled(message, part, requestBytes));
  return {
    name: `${CALLS_PER_SECOND} requests a second of ${requestBytes} bytes, ${name}, of each of ${ADDRESSES} addresses`,
    run: async (attacker) => {
      const peers = await Promise.all(
        Array.from({ length: ADDRESSES }, (_, i) =>
          attacker.http2({ localAddress: manyAddresses(i, 13) }),
        ),
      );
      await attacker.pace(ADDRESSES * CALLS_PER_SECOND, SECONDS, (index) => {
        const peer = peers[index % ADDRESSES];
        const id = peer?.call(clusterPath(method)) ?? 0;
        for (let at = 0; at < body.length; at += FRAME_BYTES) {
          const isLast = at + FRAME_BYTES >= body.length;
          const flags = isLast ? FLAG.endStream : FLAG.none;
          peer?.send(frame(TYPE.data, flags, id, body.subarray(at, at + FRAME_BYTES)));
        }
      });
    },
  };
}

const UPDATE = updateRequest({ clusterId: "dear", affiliateId: "dear" });
const HELLO = clusterRequest("dear");
/** Field 4 of `AffiliateUpdateRequest`, `affiliate_endpoints`. */
const EMPTY_ENDPOINT = Uint8Array.of((4 << 3) | 2, 0);
/** Field 10 of no message. */
const UNKNOWN_FIELD = Uint8Array.of(10 << 3, 0);

export const DEAR_REQUESTS: readonly Attack[] = [16_000, REQUEST_BYTES].flatMap((bytes) => [
  dear("empty endpoints", "AffiliateUpdate", UPDATE, EMPTY_ENDPOINT, bytes),
  dear("unknown fields", "Hello", HELLO, UNKNOWN_FIELD, bytes),
]);
