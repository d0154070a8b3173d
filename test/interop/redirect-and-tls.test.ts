/**
 * Where nodes are sent, and how they are protected on the way.
 * @module
 */
import { describe, expect, test } from "vitest";
import { randomAffiliate, randomEndpoints } from "../harness/cluster/random-affiliate.ts";
import { createCluster, NODE_KINDS, type TestNode } from "../harness/processes/nodes.ts";
import { SERVICE_KINDS } from "../harness/processes/services.ts";
import { Stage } from "../harness/processes/stage.ts";

async function allSeeEachOther(nodes: readonly TestNode[]): Promise<void> {
  const published = nodes.map((node) => node.publish(randomAffiliate(), randomEndpoints()));
  for (const node of nodes) {
    await node.sees(...published.filter(({ nodeId }) => nodeId !== node.nodeId));
  }
}

describe.each(SERVICE_KINDS)("from the %s service", (fromKind) => {
  describe.each(SERVICE_KINDS)("to the %s service", (toKind) => {
    test.each([false, true])("nodes of both kinds are redirected, TLS %s", async (tls) => {
      await using stage = new Stage();
      const to = await stage.service(toKind, { tls });
      const from = await stage.service(fromKind, { tls, redirect: to.endpoint });
      const cluster = createCluster();
      const nodes = NODE_KINDS.map((kind) => stage.node(kind, from, cluster));
      await allSeeEachOther(nodes);
      const { clusterId } = cluster;
      expect(await stage.probe(to).call({ do: "list", clusterId })).toMatchObject({
        affiliateCount: 2,
      });
      const source = stage.probe(from);
      expect(await source.call({ do: "list", clusterId })).toMatchObject({ affiliateCount: 0 });
      expect(await source.call({ do: "hello", clusterId })).toMatchObject({
        redirect: to.endpoint,
      });
    });

    test("redirected nodes of both kinds come back when their service does", async () => {
      await using stage = new Stage();
      const to = await stage.service(toKind);
      const from = await stage.service(fromKind, { redirect: to.endpoint });
      const cluster = createCluster();
      const nodes = NODE_KINDS.map((kind) => stage.node(kind, from, cluster));
      await allSeeEachOther(nodes);
      await to.process.kill();
      await stage.service(toKind, { port: to.port });
      await allSeeEachOther(nodes);
    });
  });

  test("nodes of ours outlive a redirect to nowhere", async () => {
    await using stage = new Stage();
    const gone = await stage.service("ts");
    await gone.process.kill();
    const from = await stage.service(fromKind, { redirect: gone.endpoint });
    const cluster = createCluster();
    const nodes = [0, 1].map(() => stage.node("ts", from, cluster));
    const seen = allSeeEachOther(nodes);
    const back = await stage.service("ts", { port: gone.port });
    await seen;
    const { clusterId } = cluster;
    expect(await stage.probe(back).call({ do: "list", clusterId })).toMatchObject({
      affiliateCount: 2,
    });
  });
});

describe.each(SERVICE_KINDS)("from and to the %s service", (serviceKind) => {
  test("nodes of ours do not follow a loop for ever, and stay when it is gone", async () => {
    await using stage = new Stage();
    const first = await stage.service(serviceKind);
    await first.process.kill();
    const second = await stage.service(serviceKind, { redirect: first.endpoint });
    const redirect = second.endpoint;
    const looping = await stage.service(serviceKind, { port: first.port, redirect });
    const cluster = createCluster();
    const nodes = [0, 1].map(() => stage.node("ts", looping, cluster));
    const seen = allSeeEachOther(nodes);
    await nodes[0]?.process.untilDiagnostic("ERR_REDIRECT_LOOP");
    await looping.process.kill();
    await stage.service(serviceKind, { port: first.port });
    await seen;
  });
});

describe.each(SERVICE_KINDS)("through the %s service with TLS", (serviceKind) => {
  test("nodes of both kinds that trust its authority find each other", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind, { tls: true });
    const cluster = createCluster();
    await allSeeEachOther(
      [...NODE_KINDS, ...NODE_KINDS].map((kind) => stage.node(kind, service, cluster)),
    );
  });

  test("a node that speaks plaintext gets nowhere, and the service goes on", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind, { tls: true });
    const plain = stage.probe({ ...service, tls: false });
    const refused = await plain.call({ do: "hello", clusterId: "c", timeoutMs: 5000 });
    expect(refused.code).toBe("Unavailable");
    expect(await stage.probe(service).call({ do: "hello", clusterId: "c" })).toMatchObject({
      code: "OK",
    });
  });
});

describe.each(SERVICE_KINDS)("through the %s service without TLS", (serviceKind) => {
  test("a node that speaks TLS gets nowhere, and the service goes on", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind);
    const secure = stage.probe({ ...service, tls: true });
    const refused = await secure.call({ do: "hello", clusterId: "c", timeoutMs: 5000 });
    expect(refused.code).toBe("Unavailable");
    expect(await stage.probe(service).call({ do: "hello", clusterId: "c" })).toMatchObject({
      code: "OK",
    });
  });
});
