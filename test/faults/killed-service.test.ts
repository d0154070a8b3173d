/**
 * kill -9 and restart, with nodes connected and others calling all the time.
 * @module
 */
import { expect, test } from "vitest";
import { FaultStage } from "./harness/fault-stage.ts";
import { startLoad } from "./harness/load.ts";

const KILLS = 3;

test("nodes are all back after a service that keeps nothing was killed under load, again and again", async () => {
  const stage = new FaultStage();
  let service = await stage.service();
  const fleet = await stage.fleet(service, { go: 4, ts: 2 });
  const load = startLoad(service);
  for (let kill = 0; kill < KILLS; kill++) {
    const before = load.answered();
    await expect.poll(load.answered).toBeGreaterThan(before + 100);
    await service.process.kill();
    service = await stage.service({ port: service.port });
    const restarted = load.answered();
    await expect.poll(load.answered).toBeGreaterThan(restarted + 100);
  }
  await stage.check(service, { peakMb: 250 }, fleet);
});
