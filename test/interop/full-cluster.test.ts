/**
 * Clusters at the limits: a full snapshot is larger than what a Go client receives in one message.
 * @module
 */
import { describe, expect, test } from "vitest";
import { createClusterCipher } from "../../src/crypto/index.ts";
import { generateNodeId } from "../../src/identity/index.ts";
import { encodeAffiliate, encodeEndpoint } from "../../src/protocol/index.ts";
import { randomAffiliate, randomEndpoints } from "../harness/cluster/random-affiliate.ts";
import { createCluster, NODE_KINDS, type SeenAffiliate } from "../harness/processes/nodes.ts";
import type { Probe, ProbeCall } from "../harness/processes/probe.ts";
import { SERVICE_KINDS } from "../harness/processes/services.ts";
import { Stage } from "../harness/processes/stage.ts";

const CLUSTER_AFFILIATES = 1024;
const GO_RECEIVE_LIMIT_BYTES = 4_194_304;
const SPLIT_LIMIT_BYTES = 4_000_000;
/** Room for every message, as ours has. */
const ROOMY_BYTES = 16 * 1024 * 1024;
const BURST = 150;

/** Strangers of the largest size, which no node can open. */
function strangers(clusterId: string, count: number): ProbeCall {
  return {
    do: "fill",
    clusterId,
    count,
    dataBytes: 2048,
    endpointCount: 64,
    endpointBytes: 32,
    ttlMs: 600_000,
  };
}

describe("a full cluster", () => {
  test("through ours is found by nodes of both kinds, in a snapshot of several messages", async () => {
    await using stage = new Stage();
    const service = await stage.service("ts");
    const cluster = createCluster();
    const probe = stage.probe(service);
    await probe.call(strangers(cluster.clusterId, CLUSTER_AFFILIATES - 2));
    const nodes = NODE_KINDS.map((kind) => stage.node(kind, service, cluster));
    const published = nodes.map((node) => node.publish(randomAffiliate(), randomEndpoints()));
    for (const node of nodes) {
      await node.sees(...published.filter(({ nodeId }) => nodeId !== node.nodeId));
    }
    // Those that come late have the real ones in any part of the snapshot.
    for (const kind of NODE_KINDS) await stage.node(kind, service, cluster).sees(...published);

    const watch = probe.watch(cluster.clusterId, { brief: true });
    const snapshot = [await watch.message(0), await watch.message(1)];
    const counts = snapshot.map(({ affiliateCount }) => affiliateCount);
    expect(counts.reduce((sum, count) => sum + count)).toBe(CLUSTER_AFFILIATES);
    const sizes = snapshot.map(({ messageBytes }) => messageBytes);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(SPLIT_LIMIT_BYTES);
    expect(sizes.reduce((sum, bytes) => sum + bytes)).toBeGreaterThan(GO_RECEIVE_LIMIT_BYTES);

    const list = { do: "list", clusterId: cluster.clusterId, brief: true } as const;
    const roomy = stage.probe(service, { maxReceiveBytes: ROOMY_BYTES });
    expect(await roomy.call(list)).toMatchObject({
      code: "OK",
      affiliateCount: CLUSTER_AFFILIATES,
    });
    // A unary answer cannot be split.
    expect(await probe.call(list)).toMatchObject({ code: "ResourceExhausted" });
  });

  test("through the reference is out of a Go client's reach, but not of ours", async () => {
    await using stage = new Stage();
    const service = await stage.service("go");
    const cluster = createCluster();
    const probe = stage.probe(service);
    await probe.call(strangers(cluster.clusterId, CLUSTER_AFFILIATES - 2));
    const nodes = [0, 1].map(() => stage.node("ts", service, cluster));
    const published = nodes.map((node) => node.publish(randomAffiliate(), randomEndpoints()));
    for (const node of nodes) {
      await node.sees(...published.filter(({ nodeId }) => nodeId !== node.nodeId));
    }
    const end = await probe.watch(cluster.clusterId, { brief: true }).end();
    expect(end).toMatchObject({ code: "ResourceExhausted" });
    expect(end.message).toContain("received message larger than max");
  });
});

describe.each(SERVICE_KINDS)("through the %s service", (serviceKind) => {
  test("a burst of registrations reaches those that watch and those that come later", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind);
    const cluster = createCluster();
    const probe = stage.probe(service);
    const early = NODE_KINDS.map((kind) => stage.node(kind, service, cluster));
    for (const node of early) await node.sees();
    const { calls, affiliates } = sealedBurst(cluster.clusterId, cluster.clusterSecret);
    const answers = await Promise.all(calls.map((call, i) => callFromOwnAddress(probe, call, i)));
    expect(new Set(answers)).toEqual(new Set(["OK"]));
    const late = NODE_KINDS.map((kind) => stage.node(kind, service, cluster));
    for (const node of [...early, ...late]) await node.sees(...affiliates);
  });

  test("200 watches over one connection all hear of a change", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind);
    const probe = stage.probe(service);
    // The reference would make them wait for their turn, were they one caller.
    const watches = Array.from({ length: 200 }, (_, i) =>
      probe.watch("c", { metadata: { "x-real-ip": `10.97.0.${i}` } }),
    );
    for (const watch of watches) expect((await watch.message(0)).affiliateCount).toBe(0);
    await probe.call({ do: "update", clusterId: "c", affiliateId: "a", ttlMs: 60_000 });
    for (const watch of watches) expect((await watch.message(1)).affiliates?.[0]?.id).toBe("a");
  });
});

function sealedBurst(
  clusterId: string,
  clusterSecret: string,
): { readonly calls: readonly ProbeCall[]; readonly affiliates: readonly SeenAffiliate[] } {
  const cipher = createClusterCipher(clusterSecret);
  const affiliates = Array.from({ length: BURST }, (): SeenAffiliate => {
    const affiliate = { ...randomAffiliate(), nodeId: generateNodeId() };
    const endpoints = randomEndpoints();
    return endpoints.length === 0 ? affiliate : { ...affiliate, endpoints };
  });
  const calls = affiliates.map(
    ({ endpoints = [], ...affiliate }): ProbeCall => ({
      do: "update",
      clusterId,
      affiliateId: affiliate.nodeId,
      data: base64(cipher.sealAffiliate(encodeAffiliate(affiliate))),
      endpoints: endpoints.map((text) => base64(cipher.sealEndpoint(encodeEndpoint(text)))),
      ttlMs: 600_000,
    }),
  );
  return { calls, affiliates };
}

async function callFromOwnAddress(probe: Probe, call: ProbeCall, index: number): Promise<unknown> {
  const address = `10.96.${index >> 8}.${index & 255}`;
  return (await probe.call({ ...call, metadata: { "x-real-ip": address } })).code;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
