/**
 * A process that is stopped for a while, and then goes on where it was: SIGSTOP, a frozen container, a machine that sleeps.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { FaultStage, watchForLosses } from "./harness/fault-stage.ts";
import { startLoad } from "./harness/load.ts";

const STOPPED_MS = 10_000;
/** Far less than the process stands: each node must refresh, but can only do so before and after. */
const TTL_MS = 4000;

test("no node that is alive is announced as gone after the service was stopped for 10 s", async () => {
  const stage = new FaultStage();
  const service = await stage.service();
  const fleet = await stage.fleet(service, { go: 3, ts: 2 }, TTL_MS);
  const load = startLoad(service);
  const { clusterId } = fleet.cluster;
  const watch = stage.probe(service).watch(clusterId);
  expect((await watch.message(0)).affiliateCount).toBe(5);
  const doomed = "a-node-that-never-comes-back";
  const update = await stage
    .probe(service)
    .call({ do: "update", clusterId, affiliateId: doomed, data: "AAAA", ttlMs: TTL_MS });
  expect(update.code).toBe("OK");
  await load.goesOn(100);

  service.process.signal("SIGSTOP");
  await sleep(STOPPED_MS);
  const { losses } = watchForLosses(fleet);
  service.process.signal("SIGCONT");

  const gone = () => watch.messages.filter(({ deleted }) => deleted).flatMap((m) => m.affiliates);
  await expect.poll(gone).not.toEqual([]);
  // By then the others have lived longer than their TTL too, and only their refreshes can have kept them.
  await load.goesOn(500);
  expect(gone().map((affiliate) => affiliate?.id)).toEqual([doomed]);
  expect(losses()).toEqual([]);
  await load.stop();
  await stage.check(service, { peakMb: 220 }, fleet);
});
