/**
 * Watchers that have stopped reading, of a full cluster that changes all the time.
 * @module
 */
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { FaultStage, watchForLosses } from "./harness/fault-stage.ts";

const PROGRAM = resolve(import.meta.dirname, "programs/deaf-watcher.ts");
const CONNECTIONS = 4;
const WATCHES = 25;
const AFFILIATES = 1000;
const DATA_BYTES = 2048;
const ROUNDS = 10;
const CLUSTER_MB = (AFFILIATES * DATA_BYTES) / 2 ** 20;
/** What the service has without them, and for each what it has yet to be told, twice; ten rounds queued would be ten times. */
const PEAK_MB = 150 + CONNECTIONS * WATCHES * CLUSTER_MB * 2;

test("100 watchers of a full cluster that read nothing cost no queue, and nobody else anything", async () => {
  const stage = new FaultStage();
  const service = await stage.service();
  const fleet = await stage.fleet(service, { go: 2, ts: 1 });
  const clusterId = "full";
  const probe = stage.probe(service);
  const fill = async (): Promise<void> => {
    const { code } = await probe.call({
      do: "fill",
      clusterId,
      count: AFFILIATES,
      dataBytes: DATA_BYTES,
      ttlMs: 600_000,
    });
    expect(code).toBe("OK");
  };
  await fill();
  const deaf = Array.from({ length: CONNECTIONS }, () =>
    stage.program<{ event: string }>("deaf watcher", process.execPath, [
      PROGRAM,
      service.url,
      clusterId,
      String(WATCHES),
    ]),
  );
  for (const process of deaf) {
    await process.until("watching", () => process.events[0]);
    process.signal("SIGSTOP");
  }
  const reader = stage.probe(service).watch(clusterId, { brief: true });
  await reader.message(0);
  const { losses } = watchForLosses(fleet);
  for (let round = 0; round < ROUNDS; round++) await fill();

  const last = "affiliate-last";
  const update = {
    do: "update",
    clusterId,
    affiliateId: last,
    data: "AAAA",
    ttlMs: 60_000,
  } as const;
  expect((await probe.call(update)).code).toBe("OK");
  // Whoever reads is not behind those who do not.
  const late = await stage.probe(service).watch(clusterId, { brief: true }).message(0);
  expect(late.affiliateCount).toBe(AFFILIATES + 1);
  await expect.poll(() => reader.messages.length).toBeGreaterThan(1);
  expect(losses()).toEqual([]);
  for (const process of deaf) await process.kill();
  await stage.check(service, { peakMb: PEAK_MB }, fleet);
});
