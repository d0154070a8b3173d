/**
 * The load of the protocol cases, and what our service spends on it.
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  ListRequestSchema,
  WatchRequestSchema,
  WatchResponseSchema,
} from "../../src/protocol/index.ts";
import { cpuSeconds } from "./process-usage.ts";
import {
  COMMON,
  dataOf,
  decode,
  encode,
  FULL,
  type PublishedCluster,
  publish,
  readSnapshot,
} from "./published-clusters.ts";
import { openClient, RawClient } from "./raw-client.ts";
import { allHave, type RawWatch } from "./raw-watch.ts";
import type { RunningServer } from "./servers.ts";
import type { Protocol } from "./wire-protocols.ts";

/** What was done between two looks at the CPU time. */
export interface Measured {
  /** Answers or messages. */
  readonly operations: number;
  readonly bytes: number;
  readonly cpuSeconds: number;
}

const CONNECTIONS = 8;
const CONCURRENCY = 16;
export const WATCHERS = 200;
export const WATCH_CONNECTIONS = 20;

const WARM_UP_SHARE = 1 / 3;
const TRAILING_MS = 100;

/** Changes of all cases: data that is there already is no change. */
let published = 0;

/** Calls `List`. */
export async function measureList(
  { id }: PublishedCluster,
  server: RunningServer,
  protocol: Protocol,
  count: number,
): Promise<Measured> {
  using client = await openClient(protocol, server.endpoint, CONNECTIONS);
  const message = encode(ListRequestSchema, { clusterId: id }, protocol);
  return await measureAnswers(server, count, async () => {
    return (await client.unary(protocol, "List", message)).length;
  });
}

/** Begins a watch of the largest cluster, and ends it when its snapshot has come. */
export async function measureSnapshot(
  server: RunningServer,
  protocol: Protocol,
  count: number,
): Promise<Measured> {
  using client = await RawClient.open(server.endpoint, CONNECTIONS);
  const message = encode(WatchRequestSchema, { clusterId: FULL.id }, protocol);
  const { messages } = await readSnapshot(client, protocol, FULL);
  return await measureAnswers(server, count, async () => {
    const watch = client.watch(protocol, message);
    await allHave([watch], messages);
    watch.close();
    return watch.bytes;
  });
}

/** Changes nodes of a small cluster, one after the other, each until all watchers have it. */
export async function measureWatch(
  server: RunningServer,
  protocol: Protocol,
  count: number,
): Promise<Measured> {
  using client = await RawClient.open(server.endpoint, WATCH_CONNECTIONS);
  using publisher = await RawClient.open(server.endpoint, 1);
  const message = encode(WatchRequestSchema, { clusterId: COMMON.id }, protocol);
  const watches = Array.from({ length: WATCHERS }, () => client.watch(protocol, message));
  await allHave(watches, 1);
  let told = 1;
  async function change(changes: number): Promise<void> {
    for (let i = 0; i < changes; i++) {
      published++;
      told++;
      await publish(publisher, COMMON, published % COMMON.affiliates, published);
      await allHave(watches, told);
    }
  }
  await change(Math.ceil(count * WARM_UP_SHARE));
  const total = () => watches.reduce((sum, { bytes }) => sum + bytes, 0);
  const before = total();
  const result = await measured(server, async () => {
    await change(count);
    return { operations: count * WATCHERS, bytes: total() - before };
  });
  const last = dataOf(COMMON, published % COMMON.affiliates, published);
  for (const watch of watches) checkLast(watch, protocol, last);
  return result;
}

/** @param call - Returns the bytes of its answer. */
async function measureAnswers(
  server: RunningServer,
  count: number,
  call: () => Promise<number>,
): Promise<Measured> {
  let bytes = 0;
  async function callAll(calls: number): Promise<void> {
    let left = calls;
    await Promise.all(
      Array.from({ length: CONCURRENCY }, async () => {
        while (left-- > 0) {
          const answerBytes = await call();
          bytes += answerBytes;
        }
      }),
    );
  }
  await callAll(Math.ceil(count * WARM_UP_SHARE));
  bytes = 0;
  return await measured(server, async () => {
    await callAll(count);
    return { operations: count, bytes };
  });
}

async function measured(
  server: RunningServer,
  run: () => Promise<Omit<Measured, "cpuSeconds">>,
): Promise<Measured> {
  await delay(TRAILING_MS);
  const before = await cpuSeconds(server.pid);
  const done = await run();
  await delay(TRAILING_MS);
  return { ...done, cpuSeconds: (await cpuSeconds(server.pid)) - before };
}

function checkLast({ last }: RawWatch, protocol: Protocol, data: Uint8Array): void {
  const response = decode(WatchResponseSchema, last, protocol);
  const [affiliate] = response.affiliates;
  if (affiliate === undefined || Buffer.compare(affiliate.data, data) !== 0) {
    throw new Error(`${protocol.name}: a watcher has another change`);
  }
}
