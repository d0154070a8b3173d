import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type AffiliateChange, DiscoveryClient } from "../../../src/client/index.ts";
import { generateClusterId, generateClusterSecret } from "../../../src/crypto/index.ts";
import { generateNodeId } from "../../../src/identity/index.ts";
import { MemoryRegistry } from "../../../src/registry/index.ts";
import { memoryTransport } from "../../../src/server/index.ts";

const clusterId = generateClusterId();
const clusterSecret = generateClusterSecret();

let registry: MemoryRegistry;
let stop: AbortController;
let running: Promise<void>[];

beforeEach(() => {
  registry = new MemoryRegistry();
  stop = new AbortController();
  running = [];
});

afterEach(async () => {
  stop.abort();
  await Promise.all(running);
  await registry.close();
});

function startNode(options: { clusterId?: string; clusterSecret?: string } = {}) {
  const nodeId = generateNodeId();
  const client = new DiscoveryClient({
    service: "http://memory.test",
    transport: () => memoryTransport(registry, { peerAddress: "192.0.2.1" }),
    clusterId,
    clusterSecret,
    nodeId,
    ...options,
  });
  running.push(client.run({ signal: stop.signal }));
  return { client, nodeId };
}

async function until(
  client: DiscoveryClient,
  holds: (change: AffiliateChange) => boolean,
): Promise<void> {
  for await (const change of client.watch({ signal: stop.signal })) if (holds(change)) return;
  throw new Error("stopped before");
}

describe("nodes of one cluster over one registry", () => {
  test("find each other, with what others report of them, and see one leave", async () => {
    const nodes = Array.from({ length: 5 }, () => startNode());
    for (const [i, { client }] of nodes.entries()) {
      client.publish({ nodename: `node-${i}` }, { endpoints: [`10.0.0.${i}:51820`] });
    }
    for (const { client } of nodes) await until(client, () => client.affiliates.size === 4);
    const [a, b, c] = nodes;
    if (a === undefined || b === undefined || c === undefined) throw new Error("three expected");
    expect(a.client.publicAddress).toBe("192.0.2.1");

    a.client.publish(
      { nodename: "node-0" },
      {
        endpoints: ["10.0.0.0:51820"],
        otherEndpoints: [{ nodeId: b.nodeId, endpoints: ["192.0.2.2:1"] }],
      },
    );
    await until(c.client, () => c.client.affiliates.get(b.nodeId)?.endpoints.length === 2);
    expect(c.client.affiliates.get(b.nodeId)?.endpoints).toEqual(["10.0.0.1:51820", "192.0.2.2:1"]);

    b.client.withdraw();
    await b.client.flush();
    await until(c.client, () => !c.client.affiliates.has(b.nodeId));
  });

  test("of another secret are not seen, only reported", async () => {
    const a = startNode();
    const stranger = startNode({ clusterSecret: generateClusterSecret() });
    stranger.client.publish({}, { endpoints: [] });
    await stranger.client.flush();
    const b = startNode();
    b.client.publish({}, { endpoints: [] });
    await until(a.client, () => a.client.affiliates.has(b.nodeId));
    expect(a.client.affiliates.has(stranger.nodeId)).toBe(false);
  });

  test("register again with the service that takes over", async () => {
    const a = startNode();
    const b = startNode();
    a.client.publish({ hostname: "a" }, { endpoints: [] });
    await until(b.client, () => b.client.affiliates.has(a.nodeId));
    const before = registry;
    registry = new MemoryRegistry();
    await before.close();
    await until(b.client, () => b.client.affiliates.get(a.nodeId)?.hostname === "a");
    while ((await registry.list(clusterId)).length === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
});
