/**
 * Go nodes and ours in one cluster, through either service: what they learn of each other.
 * @module
 */
import { describe, test } from "vitest";
import { generateNodeId } from "../../src/identity/index.ts";
import {
  randomAffiliate,
  randomEndpoint,
  randomEndpoints,
} from "../harness/cluster/random-affiliate.ts";
import { createCluster, NODE_KINDS } from "../harness/processes/nodes.ts";
import { SERVICE_KINDS } from "../harness/processes/services.ts";
import { Stage } from "../harness/processes/stage.ts";

const RANDOM_ROUNDS = 25;
/** Requests that make the reference, which lets 60 pass and then 15 each second, take some seconds. */
const OVER_RATE_LIMIT = 100;

describe.each(SERVICE_KINDS)("through the %s service", (serviceKind) => {
  test("nodes of both kinds find each other, with all fields and endpoints", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind);
    const cluster = createCluster();
    const nodes = [...NODE_KINDS, ...NODE_KINDS].map((kind) => stage.node(kind, service, cluster));
    const published = nodes.map((node) => node.publish(randomAffiliate(), randomEndpoints()));
    for (const node of nodes) {
      await node.sees(...published.filter(({ nodeId }) => nodeId !== node.nodeId));
    }
  });

  test("a node that comes late finds those that are there", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind);
    const cluster = createCluster();
    const early = NODE_KINDS.map((kind) => stage.node(kind, service, cluster));
    const published = early.map((node) => node.publish(randomAffiliate(), randomEndpoints()));
    for (const node of early) {
      await node.sees(...published.filter(({ nodeId }) => nodeId !== node.nodeId));
    }
    for (const kind of NODE_KINDS) {
      const late = stage.node(kind, service, cluster);
      await late.sees(...published);
    }
  });

  test("a change of data replaces what others know, and equal bytes are read the same", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind);
    const cluster = createCluster();
    const nodes = NODE_KINDS.map((kind) => stage.node(kind, service, cluster));
    for (let round = 0; round < RANDOM_ROUNDS; round += 1) {
      // Endpoints stay until they expire, so only data changes here.
      const published = nodes.map((node) => node.publish(randomAffiliate()));
      for (const node of nodes) {
        await node.sees(...published.filter(({ nodeId }) => nodeId !== node.nodeId));
      }
    }
  });

  test("new endpoints are added to those before", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind);
    const cluster = createCluster();
    const nodes = NODE_KINDS.map((kind) => stage.node(kind, service, cluster));
    const affiliates = nodes.map(() => randomAffiliate());
    const first = nodes.map((node, i) => node.publish(affiliates[i] ?? {}, ["10.0.0.1:51820"]));
    for (const node of nodes) {
      await node.sees(...first.filter(({ nodeId }) => nodeId !== node.nodeId));
    }
    for (const [i, node] of nodes.entries()) {
      node.publish(affiliates[i] ?? {}, ["[fd00::1]:51820", "10.0.0.1:51820"]);
    }
    const grown = first.map((a) => ({ ...a, endpoints: ["10.0.0.1:51820", "[fd00::1]:51820"] }));
    for (const node of nodes) {
      await node.sees(...grown.filter(({ nodeId }) => nodeId !== node.nodeId));
    }
  });

  test.each(NODE_KINDS)(
    "equal endpoints that both kinds report for a %s node are one",
    async (kind) => {
      await using stage = new Stage();
      const service = await stage.service(serviceKind);
      const cluster = createCluster();
      const target = stage.node(kind, service, cluster);
      const reporters = NODE_KINDS.map((reporter) => stage.node(reporter, service, cluster));
      const own = ["10.0.0.1:51820", "[fd00::1]:51820"];
      const affiliate = target.publish(randomAffiliate(), own);
      for (const reporter of reporters) await reporter.sees(affiliate);
      const harvested = ["192.0.2.1:1024", "[2001:db8::1]:65535"];
      const published = reporters.map((reporter) =>
        reporter.publish(
          randomAffiliate(),
          [],
          [{ nodeId: target.nodeId, endpoints: [...own, ...harvested] }],
        ),
      );
      const merged = { ...affiliate, endpoints: [...own, ...harvested] };
      for (const [i, reporter] of reporters.entries()) {
        const other = published[1 - i];
        if (other === undefined) throw new Error("two reporters");
        await reporter.sees(merged, other);
      }
      await target.sees(...published);
    },
  );

  test.each(NODE_KINDS)(
    "a %s node may report more at once than its address may ask for in a second",
    async (kind) => {
      await using stage = new Stage();
      const service = await stage.service(serviceKind);
      const cluster = createCluster();
      const watch = stage.probe(service).watch(cluster.clusterId);
      const others = Array.from({ length: OVER_RATE_LIMIT }, () => ({
        nodeId: generateNodeId(),
        endpoints: [randomEndpoint()],
      }));
      const node = stage.node(kind, service, cluster);
      node.publish(randomAffiliate(), [], others);
      const awaited = new Set([node.nodeId, ...others.map(({ nodeId }) => nodeId)]);
      for (let index = 0; awaited.size > 0; index += 1) {
        for (const { id } of (await watch.message(index)).affiliates ?? []) awaited.delete(id);
      }
    },
  );

  test("endpoints of a node that has not published yet are kept for it", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind);
    const cluster = createCluster();
    const [reporter, watcher, target] = [...NODE_KINDS, "ts" as const].map((kind) =>
      stage.node(kind, service, cluster),
    );
    if (!reporter || !watcher || !target) throw new Error("three nodes");
    const early = reporter.publish(
      randomAffiliate(),
      [],
      [{ nodeId: target.nodeId, endpoints: ["192.0.2.1:1024"] }],
    );
    await watcher.sees(early);
    await target.sees(early);
    const late = target.publish(randomAffiliate(), ["10.0.0.1:51820"]);
    const merged = { ...late, endpoints: ["192.0.2.1:1024", "10.0.0.1:51820"] };
    await watcher.sees(early, merged);
    await reporter.sees(merged);
  });

  test("a node that withdraws is gone for others, still sees them, and may come back", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind);
    const cluster = createCluster();
    const nodes = NODE_KINDS.map((kind) => stage.node(kind, service, cluster));
    const watchers = NODE_KINDS.map((kind) => stage.node(kind, service, cluster));
    const affiliates = nodes.map((node) => node.publish(randomAffiliate(), randomEndpoints()));
    for (const watcher of watchers) await watcher.sees(...affiliates);
    for (const [i, node] of nodes.entries()) {
      const other = affiliates[1 - i];
      if (other === undefined) throw new Error("two nodes");
      node.withdraw();
      for (const watcher of watchers) await watcher.sees(other);
      const back = node.publish(randomAffiliate(), randomEndpoints());
      affiliates[i] = back;
      for (const watcher of watchers) await watcher.sees(back, other);
      await node.sees(other);
    }
  });

  test("each node learns its address as the service sees it", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind);
    const cluster = createCluster();
    for (const kind of NODE_KINDS) {
      const node = stage.node(kind, service, cluster);
      node.publish(randomAffiliate());
      if ((await node.publicAddress()) !== "127.0.0.1") throw new Error("not 127.0.0.1");
    }
  });

  test("nodes with another secret or cluster ID are not seen, and do no harm", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind);
    const cluster = createCluster();
    const stranger = { ...cluster, clusterSecret: createCluster().clusterSecret };
    const elsewhere = { ...cluster, clusterId: createCluster().clusterId };
    const nodes = NODE_KINDS.map((kind) => stage.node(kind, service, cluster));
    for (const kind of NODE_KINDS) {
      for (const foreign of [stranger, elsewhere]) {
        stage.node(kind, service, foreign).publish(randomAffiliate(), ["10.0.0.1:51820"]);
      }
    }
    const published = nodes.map((node) => node.publish(randomAffiliate()));
    for (const node of nodes) {
      await node.sees(...published.filter(({ nodeId }) => nodeId !== node.nodeId));
    }
  });
});
