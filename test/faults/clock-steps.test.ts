/**
 * The machine's clock is set while the service runs. Needs libfaketime, which lies to the service about the time of day, and
 * about nothing else.
 * @module
 */
import { existsSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FaultStage, watchForLosses } from "./harness/fault-stage.ts";
import { temporaryFolder } from "./harness/temporary-folder.ts";

const LIBRARY = ["x86_64", "aarch64"]
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));
const HOUR_S = 3600;
const STEPS_S = [HOUR_S, -2 * HOUR_S, 30 * 24 * HOUR_S, 0];
const TTL_MS = 3000;

test("setting the clock neither ends nor prolongs a life", async () => {
  if (LIBRARY === undefined) throw new Error("no libfaketime: apt-get install faketime");
  const file = join(await temporaryFolder(), "time");
  const step = async (seconds: number): Promise<void> => {
    await writeFile(`${file}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    await rename(`${file}.new`, file);
  };
  await step(0);
  const stage = new FaultStage();
  const service = await stage.service({
    env: {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
  });
  const fleet = await stage.fleet(service, { go: 2, ts: 1 }, TTL_MS);
  const { losses } = watchForLosses(fleet);
  const { clusterId } = fleet.cluster;
  const watch = stage.probe(service).watch(clusterId);
  await watch.message(0);
  const probe = stage.probe(service);
  const publish = async (affiliateId: string, ttlMs: number): Promise<void> => {
    const update = { do: "update", clusterId: "steps", affiliateId, data: "AAAA", ttlMs } as const;
    expect((await probe.call(update)).code).toBe("OK");
  };
  const listed = async (): Promise<readonly string[]> => {
    const { affiliates } = await probe.call({ do: "list", clusterId: "steps" });
    return (affiliates ?? []).map(({ id }) => id);
  };
  await publish("lives on", 600_000);
  for (const seconds of STEPS_S) {
    await publish("mortal", TTL_MS);
    await step(seconds);
    await expect.poll(() => clockStepMs(service.url)).toSatisfy(near(seconds * 1000));
    // Over when its time is over, which half an hour would be too late to show.
    await expect.poll(listed).toEqual(["lives on"]);
  }
  expect(watch.messages.filter(({ deleted }) => deleted)).toEqual([]);
  expect(losses()).toEqual([]);
  await stage.check(service, { peakMb: 200 }, fleet);
});

/** How far the service's clock is ahead of ours, as the `Date` of a page tells. */
async function clockStepMs(url: string): Promise<number> {
  const response = await fetch(url);
  await response.body?.cancel();
  return Date.parse(response.headers.get("date") ?? "") - Date.now();
}

function near(ms: number): (value: number) => boolean {
  return (value) => Math.abs(value - ms) < 60_000;
}
