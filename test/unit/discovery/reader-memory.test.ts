/**
 * A reader who never reads: memory is bounded by the cluster, whatever comes and goes.
 * @module
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { MergedCluster } from "../../../src/discovery/merged-cluster.ts";
import { createAffiliateSpec } from "../../../src/resources/affiliate.ts";
import { RegistryFeed } from "../../../src/sources/registry-feed.ts";

const COMING_AND_GOING = 30_000;

/** What an ID alone takes in a set is about 100 bytes. */
const MAX_GROWTH_BYTES = 20 * COMING_AND_GOING;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function heapBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

/** How much memory is held for nodes that came and went. */
function growth(comeAndGo: (nodeId: string) => void): number {
  const nodeId = (i: number) => `a node that nobody has heard of, number ${i}`;
  // The first ones grow what stays: tables, compiled code.
  for (let i = 0; i < COMING_AND_GOING / 10; i++) comeAndGo(nodeId(-i));
  const before = heapBytes();
  for (let i = 0; i < COMING_AND_GOING; i++) comeAndGo(nodeId(i));
  return heapBytes() - before;
}

test("a reader of a registry holds nothing of what came and went unseen", async () => {
  const feed = new RegistryFeed({ phase: "connected", source: "test" });
  feed.replace([]);
  const changes = feed.watch();
  await changes.next();
  await changes.next();
  const bytes = growth((nodeId) => {
    feed.set(createAffiliateSpec({ nodeId }));
    feed.delete(nodeId);
  });
  expect(bytes).toBeLessThan(MAX_GROWTH_BYTES);
  feed.set(createAffiliateSpec({ nodeId: "stays" }));
  expect((await changes.next()).value).toMatchObject({ kind: "updated" });
});

test("a reader of discovery holds nothing of what came and went unseen", async () => {
  const cluster = new MergedCluster(["service"], undefined);
  cluster.start();
  const changes = cluster.watch();
  await changes.next();
  const bytes = growth((nodeId) => {
    cluster.setShare("service", createAffiliateSpec({ nodeId, nodename: nodeId }), 0);
    cluster.deleteShare("service", nodeId, 0);
  });
  expect(bytes).toBeLessThan(MAX_GROWTH_BYTES);
  cluster.setShare("service", createAffiliateSpec({ nodeId: "stays" }), 0);
  const { value: change } = await changes.next();
  if (change?.kind !== "changed") throw new Error(`got ${change?.kind}`);
  expect(change.events.map(({ resource }) => resource.metadata.id)).toEqual([
    "service/stays",
    "stays",
  ]);
});
