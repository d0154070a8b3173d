/**
 * Restarts of a service that keeps a snapshot file: killed, and asked to stop.
 * @module
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readSnapshotFile } from "../../src/node/index.ts";
import { randomAffiliate } from "../harness/cluster/random-affiliate.ts";
import { FaultStage, type Fleet, watchForLosses } from "./harness/fault-stage.ts";
import { startLoad } from "./harness/load.ts";
import { temporaryFolder } from "./harness/temporary-folder.ts";

const KILLS = 3;
/** Changes are saved this soon: a kill is only to lose what is newer. */
const SAVE_SOON = "-snapshot-change-delay=100ms";

/** Waits until the file has all nodes of a fleet, and nobody else. */
async function untilSaved(snapshotPath: string, { cluster, nodes }: Fleet): Promise<void> {
  await expect
    .poll(async () => {
      const saved = new Set<string>();
      try {
        for await (const { cluster: found } of readSnapshotFile(snapshotPath)) {
          if (found.id !== cluster.clusterId) continue;
          for (const { id } of found.affiliates) saved.add(id);
        }
      } catch (error) {
        // Not there before the first save; never malformed.
        expect(error).toMatchObject({ code: "ERR_FILE_UNREADABLE" });
      }
      return [...saved].sort();
    })
    .toEqual(nodes.map(({ nodeId }) => nodeId).sort());
}

test("no living node is ever seen gone when a service that keeps a snapshot is killed and started again", async () => {
  const snapshotPath = join(await temporaryFolder(), "state.binpb");
  const stage = new FaultStage();
  const options = { snapshotPath, flags: [SAVE_SOON] };
  let service = await stage.service(options);
  const fleet = await stage.fleet(service, { go: 3, ts: 2 });
  const load = startLoad(service);
  const watched = watchForLosses(fleet);
  for (let kill = 0; kill < KILLS; kill++) {
    await untilSaved(snapshotPath, fleet);
    await service.process.kill();
    service = await stage.service({ ...options, port: service.port });
    const restarted = load.answered();
    await expect.poll(load.answered).toBeGreaterThan(restarted + 100);
    // Each node sees the newcomer, so each has come back, to a list that had all.
    const newcomer = stage.node("ts", service, fleet.cluster);
    newcomer.publish(randomAffiliate());
    for (const node of fleet.nodes) {
      await node.seesThat("the newcomer", (seen) => seen.has(newcomer.nodeId) || undefined);
    }
    newcomer.withdraw();
    for (const node of fleet.nodes) {
      await node.seesThat("it leave", (seen) => !seen.has(newcomer.nodeId) || undefined);
    }
    await newcomer.process.kill();
  }
  expect(watched.losses()).toEqual([]);
  await stage.check(service, { peakMb: 250 }, fleet);
});

test("a service that is asked to stop ends its watches with OK, saves, and ends with 0", async () => {
  const snapshotPath = join(await temporaryFolder(), "state.binpb");
  const stage = new FaultStage();
  // Saved at the end alone.
  const options = { snapshotPath, flags: ["-snapshot-change-delay=0"] };
  const service = await stage.service(options);
  const fleet = await stage.fleet(service, { go: 2, ts: 1 });
  const losses = watchForLosses(fleet);
  const watch = stage.probe(service).watch(fleet.cluster.clusterId);
  await watch.message(0);
  await expect(stat(snapshotPath)).rejects.toThrow("ENOENT");
  const [exitCode, end] = await Promise.all([service.process.terminate(), watch.end()]);
  expect(exitCode).toBe(0);
  expect(end).toMatchObject({ code: "OK" });
  await untilSaved(snapshotPath, fleet);
  const next = await stage.service({ ...options, port: service.port });
  await stage.check(next, { peakMb: 250 }, fleet);
  expect(losses.losses()).toEqual([]);
});
