/**
 * Processes that end: nodes and services, killed and asked to stop.
 * @module
 */
import { describe, expect, test } from "vitest";
import { randomAffiliate, randomEndpoints } from "../harness/cluster/random-affiliate.ts";
import { createCluster, NODE_KINDS, type TestNode } from "../harness/processes/nodes.ts";
import { GO_SWEEP_INTERVAL_MS, SERVICE_KINDS } from "../harness/processes/services.ts";
import { Stage } from "../harness/processes/stage.ts";
import { startWireTap } from "./harness/wire-tap.ts";

/** Between the end of a life and its announcement: ours announces within a second; the reference's sweep is faster. */
const ANNOUNCE_LIMIT_MS = 1000 + GO_SWEEP_INTERVAL_MS;
/** For a busy machine. */
const SLACK_MS = 2500;

async function allSeeEachOther(nodes: readonly TestNode[]): Promise<void> {
  const published = nodes.map((node) => node.publish(randomAffiliate()));
  for (const node of nodes) {
    await node.sees(...published.filter(({ nodeId }) => nodeId !== node.nodeId));
  }
}

describe.each(SERVICE_KINDS)("through the %s service", (serviceKind) => {
  test("a node that is killed is gone when its TTL is over, and not before", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind);
    const cluster = createCluster();
    const ttlMs = 4000;
    const doomed = NODE_KINDS.map((kind) => stage.node(kind, service, cluster, { ttlMs }));
    const watchers = NODE_KINDS.map((kind) => stage.node(kind, service, cluster));
    const affiliates = doomed.map((node) => node.publish(randomAffiliate(), randomEndpoints()));
    for (const watcher of watchers) await watcher.sees(...affiliates);
    await Promise.all(doomed.map((node) => node.process.kill()));
    const killed = performance.now();
    for (const watcher of watchers) await watcher.sees();
    const goneMs = performance.now() - killed;
    expect(goneMs).toBeLessThan(ttlMs + ANNOUNCE_LIMIT_MS + SLACK_MS);
    // The last refresh is at most half a TTL old.
    expect(goneMs).toBeGreaterThan(ttlMs / 2 - SLACK_MS / 2);
  });

  test("a node that goes on is refreshed past its TTL", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind);
    const cluster = createCluster();
    const ttlMs = 2000;
    const nodes = NODE_KINDS.map((kind) => stage.node(kind, service, cluster, { ttlMs }));
    const mortal = stage.node("ts", service, cluster, { ttlMs: 2.5 * ttlMs });
    const watchers = NODE_KINDS.map((kind) => stage.node(kind, service, cluster));
    const affiliates = nodes.map((node) => node.publish(randomAffiliate(), randomEndpoints()));
    const clock = mortal.publish({});
    for (const watcher of watchers) await watcher.sees(...affiliates, clock);
    await mortal.process.kill();
    // Its end is the sign that more than a TTL of the others has passed.
    for (const watcher of watchers) await watcher.sees(...affiliates);
    for (const watcher of watchers) {
      const firstFull = watcher.process.events.findIndex((e) => e.affiliates?.length === 3);
      const counts = watcher.process.events.slice(firstFull).map((e) => e.affiliates?.length);
      expect(Math.min(...counts.map(Number))).toBe(2);
    }
  });

  test("nodes register again with a service that was killed and has forgotten all", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind);
    const cluster = createCluster();
    const nodes = NODE_KINDS.map((kind) => stage.node(kind, service, cluster));
    await allSeeEachOther(nodes);
    await service.process.kill();
    const again = await stage.service(serviceKind, { port: service.port });
    await allSeeEachOther(nodes);
    const probe = stage.probe(again);
    const list = await probe.call({ do: "list", clusterId: cluster.clusterId });
    expect(list.affiliates?.map(({ id }) => id).sort()).toEqual(nodes.map((n) => n.nodeId).sort());
  });

  test("what is known stays known while the service is away", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind);
    const cluster = createCluster();
    const nodes = NODE_KINDS.map((kind) => stage.node(kind, service, cluster));
    await allSeeEachOther(nodes);
    await service.process.kill();
    for (const node of nodes) {
      expect(node.seen?.size).toBe(1);
      expect(await node.stop()).toBeUndefined();
      expect(node.seen?.size).toBe(1);
    }
  });

  test("a service that is asked to stop ends watches with OK, and nodes come back to the next", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind);
    const cluster = createCluster();
    const nodes = NODE_KINDS.map((kind) => stage.node(kind, service, cluster));
    await allSeeEachOther(nodes);
    const probe = stage.probe(service);
    const watch = probe.watch(cluster.clusterId);
    expect((await watch.message(0)).affiliateCount).toBe(2);
    expect(await service.process.terminate()).toBe(0);
    expect(await watch.end()).toMatchObject({ code: "OK" });
    await stage.service(serviceKind, { port: service.port });
    await allSeeEachOther(nodes);
  });

  test("nodes survive connections that are cut", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind);
    const cluster = createCluster();
    const tap = stage.use(await startWireTap(service.port));
    const nodes = NODE_KINDS.map((kind) =>
      stage.node(kind, service, cluster, { endpoint: tap.endpoint }),
    );
    await allSeeEachOther(nodes);
    tap.cut();
    await allSeeEachOther(nodes);
    expect(tap.connections).toBeGreaterThanOrEqual(4);
  });

  test("a node that is asked to stop ends without an error, and stays registered until its TTL is over", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind);
    const cluster = createCluster();
    const nodes = NODE_KINDS.map((kind) => stage.node(kind, service, cluster));
    await allSeeEachOther(nodes);
    for (const node of nodes) expect(await node.stop()).toBeUndefined();
    const list = await stage.probe(service).call({ do: "list", clusterId: cluster.clusterId });
    expect(list.affiliateCount).toBe(2);
  });
});
