/**
 * kill -9 and restart without a snapshot file (`restart.test.ts` has one), with nodes connected and others calling all the time.
 * @module
 */
import { test } from "vitest";
import { FaultStage } from "./harness/fault-stage.ts";
import { startLoad } from "./harness/load.ts";

const KILLS = 3;
/** A few rounds of all that call. */
const CALLS = 300;

test("nodes are all back after a service that keeps nothing was killed under load, again and again", async () => {
  const stage = new FaultStage();
  let service = await stage.service();
  const fleet = await stage.fleet(service, { go: 4, ts: 2 });
  const load = startLoad(service);
  for (let kill = 0; kill < KILLS; kill++) {
    await load.goesOn(CALLS);
    await service.process.kill();
    service = await stage.service({ port: service.port });
    await load.goesOn(CALLS);
  }
  await stage.check(service, { peakMb: 220 }, fleet);
});
