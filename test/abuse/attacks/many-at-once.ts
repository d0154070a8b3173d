/**
 * Many requests in one piece: HTTP/1.1 pipelines, and calls over the rate limit.
 * @module
 */
import type { Attack, Attacker } from "../harness/attacker.ts";
import { ask, GRPC } from "../harness/encodings.ts";
import { http1Request } from "../harness/http1-peer.ts";
import { manyAddresses } from "../harness/loopback-address.ts";
import { clusterPath } from "../harness/messages.ts";

const PIPELINED = 5000;
const SCRAPES = 1400;
const SCRAPERS = 6;
/** More than a queue of 10,000 takes. */
const WAITERS = 16;
const WAITING_CALLS = 1000;
const HOLD_SECONDS = 2;

const JSON_HELLO = http1Request(
  "POST",
  clusterPath("Hello"),
  { "content-type": "application/json" },
  Buffer.from('{"clusterId":"x"}'),
);

function pipeline(name: string, request: Buffer): Attack {
  return {
    name: `${PIPELINED} pipelined requests for ${name}`,
    run: async (attacker) => {
      const peer = await attacker.http1();
      peer.send(Buffer.concat(Array.from({ length: PIPELINED }, () => request)));
      await attacker.hold(HOLD_SECONDS);
    },
  };
}

export const PIPELINES: readonly Attack[] = [
  pipeline("/healthz", http1Request("GET", "/healthz")),
  pipeline("/style.css", http1Request("GET", "/style.css")),
  pipeline("Hello, Connect JSON", JSON_HELLO),
  {
    name: `${SCRAPES} unread pipelined scrapes on each of ${SCRAPERS} connections`,
    run: async (attacker) => {
      const { metricsPort } = attacker.target;
      const scrape = http1Request("GET", "/metrics");
      for (let i = 0; i < SCRAPERS; i++) {
        const peer = await attacker.http1({ port: metricsPort, reads: false });
        peer.send(Buffer.concat(Array.from({ length: SCRAPES }, () => scrape)));
      }
      await attacker.hold(HOLD_SECONDS);
    },
  },
];

/** Calls of several addresses, each over its burst. */
export async function startWaiting(attacker: Attacker): Promise<void> {
  for (let i = 0; i < WAITERS; i++) {
    const peer = await attacker.http2({ localAddress: manyAddresses(i, 5) });
    for (let call = 0; call < WAITING_CALLS; call++) ask(peer, "Hello", GRPC, "waiting");
  }
}

export const WAITING: Attack = {
  name: `${WAITING_CALLS} calls that wait for their turn, of each of ${WAITERS} addresses`,
  run: async (attacker) => {
    await startWaiting(attacker);
    await attacker.hold(HOLD_SECONDS);
  },
};
