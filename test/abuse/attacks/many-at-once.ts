/**
 * Many requests in one piece: HTTP/1.1 pipelines, and calls over the rate limit.
 * @module
 */
import type { Attack, Attacker } from "../harness/attacker.ts";
import { ask, GRPC } from "../harness/encodings.ts";
import { type Http1Peer, http1Request } from "../harness/http1-peer.ts";
import { manyAddresses } from "../harness/loopback-address.ts";
import { clusterPath } from "../harness/messages.ts";

const PIPELINED = 5000;
const SCRAPES = 1400;
const SCRAPERS = 6;
/** More than a queue of 10,000 takes. */
const WAITERS = 16;
const WAITING_CALLS = 1000;
const HOLD_SECONDS = 2;
/** A line of 1,000 calls takes a minute; this is how long some of it is watched. */
const WAIT_SECONDS = 5;

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
    await attacker.hold(WAIT_SECONDS);
  },
};

const SCRAPING_ADDRESSES = 100;
/** The default rate of one address. */
const SCRAPES_PER_ADDRESS = 10;

/** Each within its limit. */
export const SCRAPES_OF_MANY: Attack = {
  name: `${SCRAPES_PER_ADDRESS} scrapes a second of each of ${SCRAPING_ADDRESSES} addresses`,
  run: async (attacker) => {
    const { metricsPort } = attacker.target;
    const peers: Http1Peer[] = [];
    for (let i = 0; i < SCRAPING_ADDRESSES; i++) {
      peers.push(await attacker.http1({ port: metricsPort, localAddress: manyAddresses(i, 12) }));
    }
    const scrape = http1Request("GET", "/metrics");
    const perSecond = SCRAPING_ADDRESSES * SCRAPES_PER_ADDRESS;
    await attacker.pace(perSecond, HOLD_SECONDS, (index) =>
      peers[index % SCRAPING_ADDRESSES]?.send(scrape),
    );
  },
};

const HEADER_CONNECTIONS = 4;
const MANY_HEADERS = 900;

/** Refused, but read before. */
export const FLOOD_OF_HEADERS: Attack = {
  name: `a flood of HTTP/1.1 requests of ${MANY_HEADERS} headers on ${HEADER_CONNECTIONS} connections`,
  run: async (attacker) => {
    const names = Array.from({ length: MANY_HEADERS }, (_, i) => [`h${i}`, "v"]);
    const request = http1Request("GET", "/nope", Object.fromEntries(names));
    const end = performance.now() + HOLD_SECONDS * 1000;
    const flood = async (): Promise<void> => {
      let peer = await attacker.http1();
      while (performance.now() < end) {
        if (peer.isClosed) peer = await attacker.http1();
        if (!peer.send(request)) await peer.drained();
        // Its answers are read in between.
        await attacker.hold(0);
      }
    };
    await Promise.all(Array.from({ length: HEADER_CONNECTIONS }, flood));
  },
};
