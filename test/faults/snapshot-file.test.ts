/**
 * The snapshot file, when its writer is killed, and when its disk is full or cannot be written.
 * @module
 */
import { readdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { createSnapshotFile, type SnapshotLoadReport } from "../../src/node/index.ts";
import { encodeSnapshotCluster } from "../../src/protocol/snapshot.ts";
import { LineProcess } from "../harness/processes/line-process.ts";
import { onReadOnlyDisk, onSmallDisk, type Runner } from "./harness/limited-disk.ts";
import { temporaryFolder } from "./harness/temporary-folder.ts";

const SAVER = resolve(import.meta.dirname, "programs/snapshot-saver.ts");
const CLUSTERS = 100;
const AFFILIATES = 50;

/** Rounds of kills end after this time. */
const KILLING_MS = 20_000;
/** About how long a save takes here; a kill comes within this time after its start. */
const LONGEST_WAIT_MS = 60;

interface SaverEvent {
  readonly event: "loaded" | "saving" | "saved" | "serving";
  readonly generation?: number;
  readonly status?: string;
  readonly level?: string;
  readonly message?: string;
  readonly affiliates?: number;
  readonly health?: boolean;
}

function startSaver(
  path: string,
  counts: { clusters: number; affiliates: number; saves: number },
  runner: Runner = [],
): LineProcess<SaverEvent> {
  const { clusters, affiliates, saves } = counts;
  const numbers = [clusters, affiliates, saves].map(String);
  const [program = "", ...args] = [...runner, process.execPath, SAVER, path, ...numbers];
  const saver = new LineProcess<SaverEvent>("saver", program, args);
  onTestFinished(() => saver.kill());
  return saver;
}

/** What a file holds: how many affiliates, and of which generations. */
async function contents(path: string) {
  const loads: SnapshotLoadReport[] = [];
  const generations = new Set<number>();
  let affiliates = 0;
  const file = createSnapshotFile({ path, onLoad: (report) => void loads.push(report) });
  for await (const cluster of file.load()) {
    affiliates += cluster.affiliates.length;
    for (const { data } of cluster.affiliates) generations.add(Buffer.from(data).readUInt32BE());
  }
  return { affiliates, generations: [...generations], status: loads[0]?.status };
}

test("a process that is killed at any moment of a save leaves the old file or the new one, whole", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "state.binpb");
  const end = performance.now() + KILLING_MS;
  let last = 0;
  let leftovers = 0;
  let kills = 0;
  for (; performance.now() < end; kills++) {
    const saver = startSaver(path, { clusters: CLUSTERS, affiliates: AFFILIATES, saves: 1_000 });
    const first = last + 1;
    await saver.until("a save", () =>
      saver.events.find((e) => e.event === "saving" && (e.generation ?? 0) > first),
    );
    // Any moment: this waits for nothing.
    await sleep(Math.random() * LONGEST_WAIT_MS);
    await saver.kill();
    expect(saver.events[0]).toMatchObject({ event: "loaded", status: "success" });
    const of = (event: string) => saver.events.findLast((e) => e.event === event)?.generation ?? 0;
    leftovers += (await readdir(folder)).length - 1;

    const { affiliates, generations, status } = await contents(path);
    expect({ affiliates, status }).toEqual({
      affiliates: CLUSTERS * AFFILIATES,
      status: "success",
    });
    expect(generations).toHaveLength(1);
    last = generations[0] ?? 0;
    // What was said to be saved is there; what was begun may be.
    expect(last).toBeGreaterThanOrEqual(of("saved"));
    expect(last).toBeLessThanOrEqual(of("saving"));
    expect(await readdir(folder)).toEqual(["state.binpb"]);
  }
  // Otherwise no kill has hit a save.
  expect(leftovers).toBeGreaterThan(0);
  expect(kills).toBeGreaterThan(5);
});

test("on a full disk the last good file stays, a warning says why, and the service goes on", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "state.binpb");
  const small = { clusters: 2, affiliates: 10, saves: 1 };
  // One process: a disk of its own is gone with it.
  const [program = "", ...args] = onSmallDisk(folder, 256);
  const run = (clusters: number) => `"$1" "$2" "$3" ${clusters} 10 1`;
  const script = `${run(2)} && ${run(200)} && ls "$0" && ${run(2)}`;
  const rest = ["sh", "-c", script, folder, process.execPath, SAVER, path];
  const said: (SaverEvent | string)[] = [];
  const saver = new LineProcess<SaverEvent | string>(
    "saver",
    program,
    [...args, ...rest],
    (line) => (line.startsWith("{") ? (JSON.parse(line) as SaverEvent) : line),
  );
  onTestFinished(() => saver.kill());
  expect(await saver.exit()).toBe(0);
  said.push(...saver.events);
  const affiliates = small.clusters * small.affiliates;
  expect(said).toMatchObject([
    { event: "loaded", status: "success", level: "info" },
    { event: "saving", generation: 1 },
    { event: "saved", generation: 1, status: "success" },
    { event: "serving", affiliates, health: true },
    { event: "loaded", status: "success", level: "info" },
    { event: "saving", generation: 2 },
    {
      event: "saved",
      status: "error",
      message: expect.stringMatching(
        /^snapshot not saved: .*: (no space is left on the disk|the file is larger than is allowed here)$/,
      ),
    },
    { event: "serving", affiliates: 2_000, health: true },
    // The half-written one is gone.
    "state.binpb",
    {
      event: "loaded",
      message: expect.stringContaining(`kept 2 clusters, ${affiliates} affiliates`),
    },
    // Still of the first generation.
    { event: "saving", generation: 2 },
    { event: "saved", generation: 2, status: "success" },
    { event: "serving", affiliates, health: true },
  ]);
});

test("from a folder that cannot be written a file loads, a warning says what fails, and the service goes on", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "state.binpb");
  const data = Buffer.alloc(16);
  const affiliate = { id: "affiliate-0-0", data, ttlMs: 60_000, endpoints: [] };
  const file = encodeSnapshotCluster({ id: "cluster-0", affiliates: [affiliate] });
  // A damaged one: to set it aside cannot work either.
  await writeFile(path, Buffer.concat([file, file.subarray(0, 5)]));
  const runner = onReadOnlyDisk(folder);
  const saver = startSaver(path, { clusters: 1, affiliates: 2, saves: 2 }, runner);
  expect(await saver.exit()).toBe(0);
  const failed = {
    event: "saved",
    status: "error",
    message: expect.stringMatching(/: (the file system is read-only|no permission)$/),
  };
  expect(saver.events).toMatchObject([
    {
      event: "loaded",
      status: "error",
      level: "warn",
      message: expect.stringContaining(
        "kept 1 cluster, 1 affiliate, 0 endpoints, dropped the last 5 bytes",
      ),
    },
    { event: "saving", generation: 1 },
    failed,
    { event: "saving", generation: 2 },
    failed,
    { event: "serving", affiliates: 2, health: true },
  ]);
  expect(await readdir(folder)).toEqual(["state.binpb"]);
});
