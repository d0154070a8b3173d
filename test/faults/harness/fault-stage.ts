/**
 * What one scenario starts: our service as a real process, nodes of both kinds, and what all of it must look like after the
 * fault.
 * @module
 */
import { expect, onTestFinished } from "vitest";
import { randomAffiliate } from "../../harness/cluster/random-affiliate.ts";
import { LineProcess } from "../../harness/processes/line-process.ts";
import {
  type Cluster,
  createCluster,
  type NodeKind,
  type NodeOptions,
  type TestNode,
} from "../../harness/processes/nodes.ts";
import type { Probe, ProbeOptions } from "../../harness/processes/probe.ts";
import { residentMb } from "../../harness/processes/process-memory.ts";
import type { Service, ServiceOptions } from "../../harness/processes/services.ts";
import { Stage } from "../../harness/processes/stage.ts";

/** Nodes of one cluster that are alive throughout. */
export interface Fleet {
  readonly cluster: Cluster;
  readonly nodes: readonly TestNode[];
}

export interface Aftermath {
  /** Warnings and errors that belong to the scenario. */
  readonly expected?: RegExp;
  /** How the service is asked. */
  readonly probe?: ProbeOptions;
  /** The most that the process may ever have had resident. */
  readonly peakMb: number;
}

/** All that it starts ends with the test, also with one that fails or takes too long. */
export class FaultStage {
  readonly #stage = new Stage();

  constructor() {
    onTestFinished(() => this.#stage[Symbol.asyncDispose]());
  }

  /** Our service, with logs that can be judged. */
  service(options: ServiceOptions = {}): Promise<Service> {
    const flags = ["-log-format=json", ...(options.flags ?? [])];
    return this.#stage.service("ts", { ...options, flags });
  }

  probe(...args: Parameters<Stage["probe"]>): Probe {
    return this.#stage.probe(...args);
  }

  node(...args: Parameters<Stage["node"]>): TestNode {
    return this.#stage.node(...args);
  }

  /** A program of the scenario's own. */
  program<Event>(...args: ConstructorParameters<typeof LineProcess<Event>>): LineProcess<Event> {
    return this.#stage.use(new LineProcess<Event>(...args));
  }

  /** Starts nodes that publish, and waits until each sees all others. */
  async fleet(
    service: Service,
    counts: Readonly<Record<NodeKind, number>>,
    ttlMs?: number,
    options?: NodeOptions,
  ): Promise<Fleet> {
    const cluster = createCluster();
    const kinds: NodeKind[] = [
      ...Array.from({ length: counts.go }, () => "go" as const),
      ...Array.from({ length: counts.ts }, () => "ts" as const),
    ];
    const nodes = kinds.map((kind) =>
      this.node(kind, service, cluster, { ...options, ...(ttlMs !== undefined && { ttlMs }) }),
    );
    for (const node of nodes) node.publish(randomAffiliate());
    const fleet = { cluster, nodes };
    await seeEachOther(fleet);
    return fleet;
  }

  /** What holds after every fault: the process runs and has not complained, all nodes are there, and it answers. */
  async check(
    service: Service,
    { expected, peakMb, probe: options }: Aftermath,
    ...fleets: Fleet[]
  ): Promise<void> {
    expect(service.process.isAlive).toBe(true);
    const probe = this.probe(service, options);
    const hello = await probe.call({ do: "hello", clusterId: "anybody", timeoutMs: 15_000 });
    expect(hello).toMatchObject({ code: "OK", clientIp: "127.0.0.1" });
    for (const fleet of fleets) {
      await seeEachOther(fleet);
      const ids = fleet.nodes.map(({ nodeId }) => nodeId).sort();
      const list = await probe.call({ do: "list", clusterId: fleet.cluster.clusterId });
      expect(list.affiliates?.map(({ id }) => id).sort()).toEqual(ids);
    }
    const { peak } = residentMb(service.process.pid);
    expect(peak, "MB resident at most").toBeLessThan(peakMb);
    expect(complaints(service, expected)).toEqual([]);
  }
}

/** Waits until each node knows exactly all others. */
export async function seeEachOther({ nodes }: Fleet): Promise<void> {
  for (const node of nodes) {
    const others = nodes.filter((other) => other !== node).map(({ nodeId }) => nodeId);
    await node.seesThat(`all of ${others.length} others`, (seen) =>
      seen.size === others.length && others.every((id) => seen.has(id)) ? true : undefined,
    );
  }
}

/** A point in time, from which on no node may have seen another one gone. */
export function watchForLosses({ nodes }: Fleet): { readonly losses: () => string[] } {
  const marks = new Map(nodes.map((node) => [node, node.process.events.length]));
  return {
    losses: () =>
      nodes.flatMap((node) =>
        node.process.events
          .slice(marks.get(node))
          .filter(
            ({ affiliates }) => affiliates !== undefined && affiliates.length < nodes.length - 1,
          )
          .map(({ affiliates }) => `${node.kind} node saw ${affiliates?.length} others`),
      ),
  };
}

/** Lines of the service that are no quiet log lines. */
export function complaints(service: Service, expected?: RegExp): readonly string[] {
  return service.process.diagnostics.filter(
    (line) => !/^\{"level":"(?:debug|info)"/.test(line) && expected?.test(line) !== true,
  );
}
