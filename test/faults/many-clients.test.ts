/**
 * Restarts of a service with 1,000 Go clients of one cluster behind one address.
 * @module
 */
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ServiceRegistry } from "../../src/discovery/index.ts";
import { generateNodeId } from "../../src/identity/index.ts";
import { grpcTransport } from "../../src/node/index.ts";
import { unusedPort } from "../harness/net/unused-port.ts";
import type { Cluster } from "../harness/processes/nodes.ts";
import type { Service } from "../harness/processes/services.ts";
import { Crowd, type CrowdEvent } from "./harness/crowd.ts";
import { type Aftermath, FaultStage } from "./harness/fault-stage.ts";
import { temporaryFolder } from "./harness/temporary-folder.ts";

const CLIENTS = 1000;
const RETURN_LIMIT_MS = 8 * 60_000;
/** Without a rate limit; two cores open a million affiliates for each round. */
const FAST_LIMIT_MS = 3 * 60_000;
const TEST_LIMIT_MS = RETURN_LIMIT_MS + 3 * FAST_LIMIT_MS;
/** For rounds that need not take long. */
const NO_RATE_LIMIT = "-rate-limit=0";

/** Refusals that end or prevent a watch. */
const WATCH_REFUSALS = [
  "connection_limit",
  "connection_share",
  "memory_limit",
  "unsent_limit",
  "upload_limit",
  "watch_limit",
  "watch_share",
  "write_timeout",
];

/** After five minutes the service says that nodes share an address. */
const AFTERMATH: Aftermath = { expected: /most nodes have the same private address/, peakMb: 300 };

interface Observer {
  readonly isConnected: () => boolean;
  /** How many nodes it knows. */
  readonly count: () => number;
  /** IDs of nodes that it saw leave. */
  readonly losses: readonly string[];
}

/** A client of ours that publishes nothing. It ends with the test. */
function observe({ url }: Service, cluster: Cluster): Observer {
  const losses: string[] = [];
  const stop = new AbortController();
  const { signal } = stop;
  const registry = new ServiceRegistry({
    services: [url],
    transport: grpcTransport,
    nodeId: generateNodeId(),
    ...cluster,
  });
  const follow = async (): Promise<void> => {
    for await (const change of registry.watch({ signal })) {
      if (change.kind === "deleted") losses.push(change.nodeId);
    }
  };
  const ended = Promise.all([registry.run({ signal }), follow()]);
  onTestFinished(async () => {
    stop.abort();
    await ended;
  });
  return {
    isConnected: () => registry.services[0]?.status.phase === "connected",
    count: () => registry.affiliates.size,
    losses,
  };
}

/** Refusals of the service so far, by reason. */
async function refusals(metricsPort: number): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  const series = /^discovery_server_refusals_total\{reason="(\w+)"\} (\d+)$/gm;
  return new Map([...text.matchAll(series)].map(([, reason = "", n]) => [reason, Number(n)]));
}

/** Watches that were refused, as their clients were told. */
function refusedWatches({ failures }: CrowdEvent): readonly string[] {
  return Object.keys(failures).filter((call) => call.startsWith("Watch: ResourceExhausted"));
}

test(
  "1,000 Go clients behind one address are all back within 8 minutes of a restart, and nobody is seen leaving",
  async () => {
    const snapshotPath = join(await temporaryFolder(), "state.binpb");
    const stage = new FaultStage();
    const metricsPort = await unusedPort();
    // No trusted proxy: shares and the rate limit apply to the one address.
    const options = { snapshotPath, metricsPort, trustRealIp: false };
    let service = await stage.service({ ...options, flags: [NO_RATE_LIMIT] });
    const { port } = service;
    const crowd = new Crowd(stage, service, CLIENTS);
    await crowd.complete(FAST_LIMIT_MS);
    const observer = observe(service, crowd.cluster);
    await expect.poll(observer.count).toBe(CLIENTS);

    const isBack = async (limitMs: number): Promise<CrowdEvent> => {
      const round = await crowd.complete(limitMs);
      expect(round).toMatchObject({ losses: [], lossCount: 0 });
      await expect.poll(observer.isConnected, { timeout: limitMs }).toBe(true);
      expect(observer.count()).toBe(CLIENTS);
      expect(observer.losses).toEqual([]);
      expect(refusedWatches(round)).toEqual([]);
      const refused = await refusals(metricsPort);
      for (const reason of WATCH_REFUSALS)
        expect([reason, refused.get(reason)]).toEqual([reason, 0]);
      return round;
    };

    crowd.beginRound();
    expect(await service.process.terminate()).toBe(0);
    service = await stage.service({ ...options, port });
    const { elapsedMs } = await isBack(RETURN_LIMIT_MS);
    expect(elapsedMs).toBeLessThan(RETURN_LIMIT_MS);
    await stage.check(service, AFTERMATH);

    crowd.beginRound();
    await service.process.kill();
    service = await stage.service({ ...options, port, flags: [NO_RATE_LIMIT] });
    await isBack(FAST_LIMIT_MS);
    await stage.check(service, AFTERMATH);
  },
  TEST_LIMIT_MS,
);
