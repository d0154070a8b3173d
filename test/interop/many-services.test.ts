/**
 * The Go service and ours side by side: nodes register with both, and stopping either loses nobody.
 * @module
 */
import { expect, test } from "vitest";
import { ServiceRegistry } from "../../src/discovery/index.ts";
import { generateNodeId } from "../../src/identity/index.ts";
import { grpcTransport } from "../../src/node/index.ts";
import { type AffiliateSpec, createAffiliateSpec } from "../../src/resources/index.ts";
import { randomAffiliate, randomEndpoints } from "../harness/cluster/random-affiliate.ts";
import { type Cluster, createCluster, type TestNode } from "../harness/processes/nodes.ts";
import { SERVICE_KINDS, type Service } from "../harness/processes/services.ts";
import { Stage } from "../harness/processes/stage.ts";

const PATIENCE = { timeout: 60_000 };

/** A node of ours, in this process, and every word that it hears of others. */
class OurNode implements AsyncDisposable {
  readonly registry: ServiceRegistry;
  readonly spec: AffiliateSpec;
  /** IDs of others that it saw leave. */
  readonly losses: string[] = [];
  readonly #stop = new AbortController();
  readonly #ended: Promise<unknown>;

  constructor(services: readonly Service[], cluster: Cluster) {
    const nodeId = generateNodeId();
    this.registry = new ServiceRegistry({
      services: services.map(({ url }) => url),
      transport: grpcTransport,
      nodeId,
      ttlMs: 60_000,
      ...cluster,
    });
    this.spec = createAffiliateSpec({
      ...randomAffiliate(),
      nodeId,
      endpoints: randomEndpoints(),
    });
    this.registry.publish({ affiliate: this.spec });
    const { signal } = this.#stop;
    this.#ended = Promise.all([this.registry.run({ signal }), this.#follow(signal)]);
  }

  /** Waits until it knows exactly these. */
  async sees(...others: readonly AffiliateSpec[]): Promise<void> {
    const byId = (a: AffiliateSpec, b: AffiliateSpec) => (a.nodeId < b.nodeId ? -1 : 1);
    await expect
      .poll(() => [...this.registry.affiliates.values()].sort(byId), PATIENCE)
      .toEqual([...others].sort(byId));
  }

  /** Waits until it is connected to a service, or not any more. */
  async isConnected(service: Service, connected: boolean): Promise<void> {
    const state = () => this.registry.services.find(({ url }) => `${url}/` === service.url);
    await expect
      .poll(() => state()?.status.phase, PATIENCE)
      .toBe(connected ? "connected" : "waiting");
  }

  async #follow(signal: AbortSignal): Promise<void> {
    for await (const change of this.registry.watch({ signal })) {
      if (change.kind === "deleted") this.losses.push(change.nodeId);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }
}

/** A Go node: one client for each service, as a Talos node has. */
class GoNode {
  readonly clients: readonly TestNode[];
  readonly nodeId: string = generateNodeId();
  readonly #endpoints = randomEndpoints();
  spec: AffiliateSpec = createAffiliateSpec({ nodeId: this.nodeId });

  constructor(stage: Stage, services: readonly Service[], cluster: Cluster) {
    const { nodeId } = this;
    this.clients = services.map((service) => stage.node("go", service, cluster, { nodeId }));
    this.publish();
  }

  /** Something new, to all services. */
  publish(): void {
    const { nodeId } = this;
    const affiliate = randomAffiliate();
    for (const client of this.clients) client.publish(affiliate, this.#endpoints);
    this.spec = createAffiliateSpec({ ...affiliate, nodeId, endpoints: this.#endpoints });
  }
}

test("nodes of both kinds find each other through both services, and stopping either loses nobody", async () => {
  await using stage = new Stage();
  const services: Service[] = [];
  for (const kind of SERVICE_KINDS) services.push(await stage.service(kind));
  const cluster = createCluster();
  const goNodes = [0, 1].map(() => new GoNode(stage, services, cluster));
  const ourNodes = [0, 1].map(() => stage.use(new OurNode(services, cluster)));
  const all = [...goNodes, ...ourNodes];
  const oursSeeAll = async () => {
    for (const node of ourNodes) {
      await node.sees(...all.filter((other) => other !== node).map(({ spec }) => spec));
    }
  };
  /** Waits until a service lists all, and everybody has heard it. */
  const isComplete = async (service: Service, number: number) => {
    for (const { clients, nodeId } of goNodes) {
      const others = all.map(({ spec }) => spec.nodeId).filter((other) => other !== nodeId);
      await clients[number]?.seesThat("all others", (seen) =>
        others.every((other) => seen.has(other)) ? true : undefined,
      );
    }
    // Only this service has it, and tells it after all that it told before.
    const last = stage.node("ts", service, cluster);
    last.publish({});
    for (const { registry } of ourNodes) {
      await expect.poll(() => registry.affiliates.has(last.nodeId), PATIENCE).toBe(true);
    }
    last.withdraw();
    for (const { registry } of ourNodes) {
      await expect.poll(() => registry.affiliates.has(last.nodeId), PATIENCE).toBe(false);
    }
  };
  for (const [number, service] of services.entries()) await isComplete(service, number);

  for (const [number, service] of services.entries()) {
    await service.process.kill();
    for (const node of ourNodes) await node.isConnected(service, false);
    await oursSeeAll();
    // What nodes say meanwhile reaches the others through the other service.
    for (const node of goNodes) node.publish();
    await oursSeeAll();
    // It comes back, having forgotten all, and hears everything again.
    const again = await stage.service(service.kind, { port: service.port });
    for (const node of ourNodes) await node.isConnected(again, true);
    await isComplete(again, number);
    await oursSeeAll();
  }
  const ids = all.map(({ spec }) => spec.nodeId);
  for (const { losses } of ourNodes) {
    expect(losses.filter((nodeId) => ids.includes(nodeId))).toEqual([]);
  }
});
