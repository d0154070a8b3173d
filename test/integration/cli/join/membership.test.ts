import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UsageError } from "../../../../src/cli/exit.ts";
import { LOOK_INTERVAL_MS, Membership } from "../../../../src/cli/join/membership.ts";
import { Discovery, ServiceRegistry } from "../../../../src/discovery/index.ts";
import { generateNodeId } from "../../../../src/identity/index.ts";
import { grpcTransport } from "../../../../src/node/index.ts";
import { createAffiliateSpec } from "../../../../src/resources/index.ts";
import {
  CLUSTER_ID,
  CLUSTER_SECRET,
  LoopbackService,
} from "../../../harness/service/loopback-service.ts";

const NODE_ID = generateNodeId();
const HOUR_MS = 3_600_000;

let first: LoopbackService;
let second: LoopbackService;
/** What the machine has now. */
let addresses: readonly string[];
let publicEndpoint: boolean;
let notices: string[];
/** Connections that were made. */
let transports: number;
let nowMs: number;
let wake: () => void;
let looks: number;
let stop: AbortController;
let ended: Promise<boolean>;

beforeEach(async () => {
  first = await LoopbackService.start();
  second = await LoopbackService.start();
  addresses = ["10.0.0.1"];
  publicEndpoint = false;
  notices = [];
  transports = 0;
  nowMs = 0;
  looks = 0;
  stop = new AbortController();
  ended = Promise.resolve(true);
});

afterEach(async () => {
  stop.abort();
  await ended;
  await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose]()]);
});

function create(): Membership {
  const services = new ServiceRegistry({
    services: [first.url, second.url],
    transport: (url, options) => {
      transports++;
      return grpcTransport(url, options);
    },
    clusterId: CLUSTER_ID,
    clusterSecret: CLUSTER_SECRET,
    nodeId: NODE_ID,
    random: () => 0,
    onRetry: (error) => notices.push(error.message),
  });
  return new Membership({
    discovery: new Discovery({ registries: [services], nodeId: NODE_ID }),
    describe: (publicAddress) =>
      createAffiliateSpec({
        nodeId: NODE_ID,
        nodename: "local",
        addresses,
        endpoints: publicEndpoint && publicAddress ? [`${publicAddress}:51820`] : [],
      }),
    onNotice: (line) => notices.push(line),
    now: () => nowMs,
    sleep: (_, signal) =>
      new Promise((resolve, reject) => {
        looks++;
        wake = resolve;
        if (signal.aborted) reject(signal.reason);
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      }),
  });
}

function start(): void {
  ended = create().keep(() => {}, stop.signal);
}

/** Lets the next look happen, this much later than it should, and waits until it is over. */
async function look(lateMs = 0): Promise<void> {
  const before = looks;
  nowMs += LOOK_INTERVAL_MS + lateMs;
  wake();
  await expect.poll(() => looks).toBe(before + 1);
}

/** Waits until each service has this of the node. */
async function untilPublished(...expected: readonly string[]): Promise<void> {
  for (const service of [first, second]) {
    await expect.poll(() => service.get(NODE_ID)?.addresses).toEqual(expected);
  }
}

test("a machine that can look at itself no more leaves, and says why", async () => {
  const kept = create().keep(() => {}, stop.signal);
  await untilPublished("10.0.0.1");
  await expect.poll(() => notices).toHaveLength(2);
  addresses = Object.defineProperty([], Symbol.iterator, {
    value: () => {
      throw new Error("nobody knows");
    },
  });
  wake();
  await expect(kept).rejects.toThrow("nobody knows");
  expect([first.get(NODE_ID), second.get(NODE_ID)]).toEqual([undefined, undefined]);
});

describe("a machine that has joined", () => {
  test("is registered with every service, and taken back from every one when it leaves", async () => {
    start();
    await untilPublished("10.0.0.1");
    await expect.poll(() => notices).toHaveLength(2);
    for (const { url } of [first, second]) {
      expect(notices).toContain(`registered ${NODE_ID} with ${url}, which sees us at 127.0.0.1`);
    }
    stop.abort();
    expect(await ended).toBe(true);
    expect([first.get(NODE_ID), second.get(NODE_ID)]).toEqual([undefined, undefined]);
    expect(notices.at(-1)).toBe("left the cluster");
  });

  test("publishes its addresses at the first look after they changed", async () => {
    start();
    await untilPublished("10.0.0.1");
    addresses = ["10.0.0.1", "10.0.0.2"];
    await look();
    await untilPublished("10.0.0.1", "10.0.0.2");
    expect(notices).toContain("the addresses are now 10.0.0.1, 10.0.0.2");
    const told = notices.length;
    await look();
    await look();
    expect(notices).toHaveLength(told);
    addresses = [];
    await look();
    await untilPublished();
    expect(notices.slice(told)).toEqual(["this machine has no address to publish"]);
  });

  test("publishes the endpoint that a service sees", async () => {
    publicEndpoint = true;
    start();
    for (const service of [first, second]) {
      await expect
        .poll(() => service.get(NODE_ID)?.kubespan?.endpoints)
        .toEqual(["127.0.0.1:51820"]);
    }
  });

  test("keeps what it had published where it has become more than a service takes, and says so once", async () => {
    start();
    await untilPublished("10.0.0.1");
    addresses = Array.from({ length: 500 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    await look();
    await look();
    const complaints = notices.filter((line) => line.includes("stays"));
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toMatch(/bytes when sealed.*; what was published before stays$/);
    await untilPublished("10.0.0.1");
    addresses = ["10.0.0.3"];
    await look();
    await untilPublished("10.0.0.3");
  });

  test("is a usage error where it is too much from the start", () => {
    addresses = Array.from({ length: 500 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    expect(create).toThrow(UsageError);
  });

  test("says that it has no address", () => {
    addresses = [];
    create();
    expect(notices).toEqual(["this machine has no address to publish"]);
  });

  test("connects anew after a sleep, and goes on from there", async () => {
    start();
    await untilPublished("10.0.0.1");
    await expect.poll(() => notices).toHaveLength(2);
    expect(transports).toBe(2);
    await look(HOUR_MS);
    expect(notices.at(-1)).toBe("the clock went on by 3600 s, as in a sleep: connecting again");
    await expect.poll(() => transports).toBe(4);
    // The services have forgotten it meanwhile; a new connection tells them again.
    addresses = ["10.0.0.9"];
    await look();
    await untilPublished("10.0.0.9");
  });

  test("does not take a late look for a sleep", async () => {
    start();
    await untilPublished("10.0.0.1");
    await look(10_000);
    // Nor a clock that was set back.
    await look(-HOUR_MS);
    expect(transports).toBe(2);
  });

  test("registers again with a service that was away and forgot all, and says that it is back", async () => {
    start();
    await untilPublished("10.0.0.1");
    await second.stop();
    await expect.poll(() => notices.some((line) => line.includes("ECONNREFUSED"))).toBe(true);
    await look();
    await second.startAgain({ forgets: true });
    await untilPublished("10.0.0.1");
    // It may have accepted us before it has sent its snapshot.
    const news = async () => {
      await look();
      return notices.at(-1);
    };
    await expect.poll(news).toBe(`connected to ${second.url} again`);
  });

  test("ends where nobody can be shown anything", async () => {
    const keeping = create().keep(() => {
      throw new Error("no screen");
    }, stop.signal);
    await expect(keeping).rejects.toThrow("no screen");
  });

  test("leaves those that answer, and names one that does not", async () => {
    start();
    await untilPublished("10.0.0.1");
    await expect.poll(() => notices).toHaveLength(2);
    await second.stop();
    await expect.poll(() => notices.some((line) => line.includes("ECONNREFUSED"))).toBe(true);
    stop.abort();
    expect(await ended).toBe(false);
    expect(first.get(NODE_ID)).toBeUndefined();
    expect(notices.at(-1)).toBe(
      `${second.url} did not answer; it forgets this machine when its time is over`,
    );
    await second.startAgain();
  });
});
