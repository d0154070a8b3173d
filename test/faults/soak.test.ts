/**
 * Half a minute of coming and going: affiliates, clusters, connections and watchers. What the service holds at the end is
 * what it held at the start.
 * @module
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Http2SessionManager } from "@connectrpc/connect-node";
import { expect, onTestFinished, test } from "vitest";
import { COLLECT_ON_SIGNAL, heldMemory } from "../harness/processes/held-memory.ts";
import { residentMb } from "../harness/processes/process-memory.ts";
import type { Service } from "../harness/processes/services.ts";
import { FaultStage, watchForLosses } from "./harness/fault-stage.ts";
import { clientOf } from "./harness/load.ts";

const WARM_UP_MS = 8000;
const SOAK_MS = 24_000;
const CHURNERS = 6;
const WATCHERS = 6;
const CALLS_PER_CONNECTION = 50;
const TTL = { nanos: 500_000_000 };
const REST_MS = 2;

/** A leak of 100 bytes for each of some ten thousand calls would be more. */
const HEAP_GROWTH_MB = 3;
/** Freed memory is not all given back to the system. */
const RESIDENT_GROWTH_MB = 60;

interface Held {
  readonly heapMb: number;
  readonly residentMb: number;
}

test("half a minute of coming and going leaves no memory behind", async () => {
  const stage = new FaultStage();
  const service = await stage.service({ env: { NODE_OPTIONS: COLLECT_ON_SIGNAL } });
  const fleet = await stage.fleet(service, { go: 2, ts: 1 });
  const { losses } = watchForLosses(fleet);
  const held = async (): Promise<Held> => ({
    heapMb: (await heldMemory(service.process)).heapMb,
    residentMb: residentMb(service.process.pid).now,
  });
  const warmUp = startChurn(service);
  await sleep(WARM_UP_MS);
  await warmUp.stop();
  const before = await settled(held);

  const soak = startChurn(service);
  await sleep(SOAK_MS);
  await soak.stop();
  const after = await settled(held);
  expect(soak.failures()).toEqual([]);
  expect(soak.calls()).toBeGreaterThan(500);
  expect(soak.watches()).toBeGreaterThan(50);
  expect(after.heapMb, "heap in MB").toBeLessThan(before.heapMb + HEAP_GROWTH_MB);
  expect(after.residentMb, "resident MB").toBeLessThan(before.residentMb + RESIDENT_GROWTH_MB);
  expect(losses()).toEqual([]);
  await stage.check(service, { expected: /^collected /, peakMb: 350 }, fleet);
});

/** The least of a few looks: the last connections take a moment to go. */
async function settled(held: () => Promise<Held>): Promise<Held> {
  let least = await held();
  for (let look = 0; look < 4; look++) {
    await sleep(500);
    const now = await held();
    least = {
      heapMb: Math.min(least.heapMb, now.heapMb),
      residentMb: Math.min(least.residentMb, now.residentMb),
    };
  }
  return least;
}

interface Churn {
  readonly calls: () => number;
  readonly watches: () => number;
  /** What failed that should not have. */
  readonly failures: () => readonly string[];
  readonly stop: () => Promise<void>;
}

function startChurn(service: Service): Churn {
  const end = new AbortController();
  const failures: string[] = [];
  let calls = 0;
  let watches = 0;

  async function connection(
    use: (client: ReturnType<typeof clientOf>) => Promise<void>,
  ): Promise<void> {
    const sessionManager = new Http2SessionManager(service.url);
    try {
      await use(clientOf(service, { sessionManager }));
    } catch (error) {
      if (!end.signal.aborted) failures.push(String(error));
    } finally {
      sessionManager.abort();
    }
  }
  async function churn(number: number): Promise<void> {
    while (!end.signal.aborted) {
      await connection(async (client) => {
        for (let call = 0; call < CALLS_PER_CONNECTION && !end.signal.aborted; call++) {
          const headers = { "x-real-ip": `10.2.${number}.${calls % 250}` };
          const clusterId = call % 2 === 0 ? "churn" : `churn-${randomBytes(8).toString("hex")}`;
          const affiliateId = randomBytes(32).toString("hex");
          await client.affiliateUpdate(
            { clusterId, affiliateId, affiliateData: randomBytes(1000), ttl: TTL },
            { headers },
          );
          if (call % 3 === 0) await client.affiliateDelete({ clusterId, affiliateId }, { headers });
          calls += 1;
          await sleep(REST_MS);
        }
      });
    }
  }
  async function watch(number: number): Promise<void> {
    while (!end.signal.aborted) {
      await connection(async (client) => {
        const headers = { "x-real-ip": `10.3.${number}.${watches % 250}` };
        let messages = 0;
        for await (const _message of client.watch(
          { clusterId: "churn" },
          { headers, signal: end.signal },
        )) {
          messages += 1;
          if (messages === 5) break;
        }
        watches += 1;
      });
    }
  }
  const running = [
    ...Array.from({ length: CHURNERS }, (_, number) => churn(number)),
    ...Array.from({ length: WATCHERS }, (_, number) => watch(number)),
  ];
  const stop = async (): Promise<void> => {
    end.abort();
    await Promise.all(running);
  };
  onTestFinished(stop);
  return { calls: () => calls, watches: () => watches, failures: () => failures, stop };
}
