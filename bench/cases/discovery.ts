/**
 * What the client adds to the calls it makes: gRPC over loopback to a service in a process of its own, against the same
 * calls by hand on the same transport.
 * @module
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { generateClusterId, generateClusterSecret } from "../../src/crypto/index.ts";
import type { Comparison, Version } from "../harness/compare.ts";
import { type BenchOptions, compareAll } from "../harness/measure.ts";
import { callByHand, OurPair, PairByHand, type Place, startClient } from "./discovery-peers.ts";

export async function measure(options: BenchOptions) {
  const { url, stop } = await startService();
  try {
    return await compareAll(comparisons(url, options), options);
  } finally {
    await stop();
  }
}

async function* comparisons(service: string, { quick }: BenchOptions): AsyncIterable<Comparison> {
  const rounds = quick ? 20 : 100;
  const place: Place = {
    service,
    clusterId: generateClusterId(),
    clusterSecret: generateClusterSecret(),
  };
  const other = startClient(place);
  other.client.publish({ hostname: "other", nodename: "other" }, { endpoints: ["192.0.2.1:1"] });
  await other.client.flush();
  yield {
    name: "first discovery: connect, Hello, Watch, the other node is known",
    operations: 1,
    rounds,
    verify: async () => {
      const ours = await firstDiscovery(place);
      const byHand = await firstSnapshot(place);
      assert.deepEqual(ours.ids, [other.nodeId]);
      assert.deepEqual(byHand.ids, ours.ids);
      await ours.leave();
      await byHand.leave();
    },
    versions: [
      discoverer("ours", () => firstDiscovery(place)),
      discoverer("by hand, left sealed", () => firstSnapshot(place)),
    ],
  };
  await other.leave();

  const ours = await OurPair.start({ ...place, clusterId: generateClusterId() });
  const byHand = await PairByHand.start({ ...place, clusterId: generateClusterId() });
  yield {
    name: "a change of one node until another one knows it",
    operations: 10,
    rounds,
    verify: async () => {
      await ours.change();
      await byHand.change();
    },
    versions: [
      { name: "ours", run: () => ours.change() },
      { name: "by hand, left sealed", run: () => byHand.change() },
    ],
  };
  await ours.leave();
  await byHand.leave();
}

/** Who was discovered, and how to leave. */
interface Discovery {
  readonly ids: readonly string[];
  leave(): Promise<void>;
}

/** Times one discovery; leaving is not timed. */
function discoverer(name: string, discover: () => Promise<Discovery>): Version<Discovery[]> {
  return {
    name,
    setup: () => [],
    run: async (_, discoveries) => {
      discoveries.push(await discover());
    },
    teardown: async (discoveries) => {
      for (const { leave } of discoveries) await leave();
    },
  };
}

async function firstDiscovery(place: Place): Promise<Discovery> {
  const { client, leave } = startClient(place);
  for await (const _ of client.watch()) if (client.affiliates.size > 0) break;
  return { ids: [...client.affiliates.keys()], leave };
}

async function firstSnapshot({ service, clusterId }: Place): Promise<Discovery> {
  const calls = callByHand(service);
  await calls.cluster.hello({ clusterId });
  const watch = calls.cluster.watch({ clusterId }, { signal: calls.signal });
  const { value } = await watch[Symbol.asyncIterator]().next();
  const ids = (value?.affiliates ?? []).map(({ id }: { id: string }) => id);
  return { ids, leave: async () => calls.end() };
}

/** In a process of its own, so that it does not share a thread with what is timed. */
async function startService(): Promise<{ url: string; stop(): Promise<void> }> {
  const file = new URL("./discovery-service.ts", import.meta.url).pathname;
  const child: ChildProcess = spawn(process.execPath, [file], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  if (child.stdout === null) throw new Error("a child without stdout");
  const [url] = (await once(createInterface(child.stdout), "line")) as [string];
  const stop = async () => {
    const exited = once(child, "exit");
    child.stdin?.end();
    await exited;
  };
  return { url, stop };
}
