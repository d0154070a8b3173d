import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import {
  openSnapshotRegistry,
  type SnapshotRegistry,
  type SnapshotRegistryOptions,
} from "../../../../src/node/snapshot/snapshot-registry.ts";
import type { SnapshotReport } from "../../../../src/node/snapshot/snapshot-report.ts";
import { encodeSnapshotCluster } from "../../../../src/protocol/snapshot.ts";
import { createManualClock, type ManualClock } from "../../../harness/registry/manual-clock.ts";

async function snapshotPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "talos-discovery-snapshot-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "state.binpb");
}

interface Opened {
  readonly kept: SnapshotRegistry;
  readonly clock: ManualClock;
  readonly saves: SnapshotReport[];
  /** Waits for the end of so many saves since the start. */
  readonly saved: (count: number) => Promise<void>;
}

async function open(path: string, options: Partial<SnapshotRegistryOptions> = {}): Promise<Opened> {
  const clock = createManualClock();
  const saves: SnapshotReport[] = [];
  const kept = await openSnapshotRegistry({
    path,
    now: clock.now,
    schedule: clock.schedule,
    onSave: (report) => void saves.push(report),
    ...options,
  });
  onTestFinished(() => kept.close().catch(() => {}));
  const saved = async (count: number) => {
    await vi.waitUntil(() => saves.length >= count, 15_000);
    // The timer for the next one is set once the saver has seen the end of this one.
    await new Promise((resolve) => setImmediate(resolve));
    expect(saves).toHaveLength(count);
  };
  return { kept, clock, saves, saved };
}

function register(kept: SnapshotRegistry, affiliateId: string, ttlMs = 1_800_000): void {
  const data = new Uint8Array(40).fill(1);
  kept.registry.update({ clusterId: "c", affiliateId, data, endpoints: [], ttlMs });
}

const ids = (kept: SnapshotRegistry) => kept.registry.list("c").map(({ id }) => id);

test("a registry is as it was when it is opened again", async () => {
  const path = await snapshotPath();
  const first = await open(path);
  register(first.kept, "a");
  await first.kept.close();
  await first.kept.close();
  expect(first.saves).toHaveLength(1);
  expect(first.kept.lastSavedAt).toBeGreaterThan(0);
  const { kept } = await open(path);
  expect(ids(kept)).toEqual(["a"]);
  expect(kept.lastSavedAt).toBeUndefined();
});

test("it is saved on an interval also when nothing changes, for the time that is left", async () => {
  const { kept, clock, saves, saved } = await open(await snapshotPath(), { intervalMs: 60_000 });
  await clock.advance(59_999);
  expect(saves).toHaveLength(0);
  await clock.advance(1);
  await saved(1);
  await clock.advance(60_000);
  await saved(2);
  await kept.close();
  expect(clock.pending).toBe(0);
});

test("a change is saved soon, several at once; a refresh is none", async () => {
  const path = await snapshotPath();
  const { kept, clock, saves, saved } = await open(path, { changeDelayMs: 2_000 });
  register(kept, "a");
  await clock.advance(1_999);
  register(kept, "b");
  expect(saves).toHaveLength(0);
  await clock.advance(1);
  await saved(1);
  expect(saves[0]).toMatchObject({ affiliates: 2 });

  register(kept, "a");
  await clock.advance(100_000);
  expect(saves).toHaveLength(1);

  kept.registry.delete("c", "a");
  await clock.advance(2_000);
  await saved(2);
  expect(saves[1]).toMatchObject({ affiliates: 1 });

  register(kept, "c", 10_000);
  await clock.advance(2_000);
  await saved(3);
  await clock.advance(10_000);
  await clock.advance(2_000);
  await saved(4);
  expect(saves[3]).toMatchObject({ affiliates: 1 });
});

test("without a delay for changes, only the interval saves, as in the reference", async () => {
  const options = { changeDelayMs: Number.POSITIVE_INFINITY, intervalMs: 600_000 };
  const { kept, clock, saves, saved } = await open(await snapshotPath(), options);
  register(kept, "a");
  await clock.advance(599_999);
  expect(saves).toHaveLength(0);
  await clock.advance(1);
  await saved(1);
});

test("a save that fails is told, and tried again without a storm", async () => {
  const path = await snapshotPath();
  const { kept, clock, saves, saved } = await open(path);
  await writeFile(path, "");
  // A folder that is not there can be made, one below a file cannot.
  const broken = await open(join(path, "state.binpb"));
  register(broken.kept, "a");
  await broken.clock.advance(2_000);
  await broken.saved(1);
  expect(broken.saves[0]).toMatchObject({ status: "error" });
  register(broken.kept, "b");
  await broken.clock.advance(29_999);
  expect(broken.saves).toHaveLength(1);
  await broken.clock.advance(1);
  await broken.saved(2);
  expect(broken.kept.lastSavedAt).toBeUndefined();
  await expect(broken.kept.close()).rejects.toMatchObject({ code: "ERR_SNAPSHOT_NOT_SAVED" });
  expect(broken.kept.registry.totals().affiliates).toBe(0);

  register(kept, "a");
  await clock.advance(2_000);
  await saved(1);
  expect(saves[0]).toMatchObject({ status: "success" });
});

test("what is restored lives at least as long as the grace, its endpoints too", async () => {
  const path = await snapshotPath();
  const endpoint = (fill: number, ttlMs: number) => ({
    data: new Uint8Array(16).fill(fill),
    ttlMs,
  });
  const short = {
    data: new Uint8Array(40),
    ttlMs: 0,
    endpoints: [endpoint(1, 1_000), endpoint(2, 400_000)],
  };
  const long = { data: new Uint8Array(40), ttlMs: 900_000, endpoints: [] };
  const affiliates = [
    { id: "short", ...short },
    { id: "long", ...long },
  ];
  await writeFile(path, encodeSnapshotCluster({ id: "c", affiliates }));
  const { kept, clock } = await open(path, { restartGraceMs: 300_000 });
  const deleted: string[] = [];
  const watching = (async () => {
    for await (const message of kept.registry.watch("c")) {
      if (message.kind === "deleted") deleted.push(...message.ids);
    }
  })();
  await clock.advance(299_999);
  expect(kept.registry.list("c")).toMatchObject([
    { id: "short", endpoints: { length: 2 } },
    { id: "long" },
  ]);
  expect(deleted).toEqual([]);
  await clock.advance(1);
  expect(ids(kept)).toEqual(["long"]);
  expect(deleted).toEqual(["short"]);
  await clock.advance(600_000);
  expect(ids(kept)).toEqual([]);
  await kept.close();
  await watching;
});

test("a node that publishes within the grace has the life that it asks for", async () => {
  const path = await snapshotPath();
  const affiliate = { id: "a", data: new Uint8Array(40), ttlMs: 1_000, endpoints: [] };
  await writeFile(path, encodeSnapshotCluster({ id: "c", affiliates: [affiliate] }));
  const { kept, clock } = await open(path, { restartGraceMs: 300_000 });
  register(kept, "a", 60_000);
  await clock.advance(59_999);
  expect(ids(kept)).toEqual(["a"]);
  await clock.advance(1);
  expect(ids(kept)).toEqual([]);
});

test("no grace goes over the longest TTL, and without one the file decides", async () => {
  const path = await snapshotPath();
  const affiliate = { id: "a", data: new Uint8Array(40), ttlMs: 1_000, endpoints: [] };
  const file = encodeSnapshotCluster({ id: "c", affiliates: [affiliate] });
  await writeFile(path, file);
  const endless = await open(path, { restartGraceMs: Number.POSITIVE_INFINITY });
  await endless.clock.advance(1_799_999);
  expect(ids(endless.kept)).toEqual(["a"]);
  await endless.clock.advance(1);
  expect(ids(endless.kept)).toEqual([]);
  await endless.kept.close();
  await writeFile(path, file);
  const none = await open(path, { restartGraceMs: 0 });
  await none.clock.advance(999);
  expect(ids(none.kept)).toEqual(["a"]);
  await none.clock.advance(1);
  expect(ids(none.kept)).toEqual([]);
});

test.each([
  ["a FIFO", "mkfifo fifo", "fifo", "expected a regular file, found a FIFO"],
  ["a directory", "mkdir folder", "folder", "expected a regular file, found a directory"],
  ["a link to a FIFO", "mkfifo fifo && ln -s fifo link", "link", "found a FIFO"],
  ["links in a circle", "ln -s b a && ln -s a b", "a", "symbolic links that lead in a circle"],
])("%s instead of a file is refused, and stays", async (_kind, script, name, why) => {
  const folder = dirname(await snapshotPath());
  execFileSync("sh", ["-c", script], { cwd: folder });
  const before = await readdir(folder, { withFileTypes: true });
  const path = join(folder, name);
  await expect(openSnapshotRegistry({ path })).rejects.toMatchObject({
    code: "ERR_FILE_UNREADABLE",
    message: expect.stringMatching(new RegExp(`^invalid snapshot path: ${path}: .*${why}$`)),
  });
  expect(await readdir(folder, { withFileTypes: true })).toEqual(before);
});

test("a socket instead of a file is refused, and stays", async () => {
  const path = await snapshotPath();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
  await expect(openSnapshotRegistry({ path })).rejects.toThrow(/found a socket$/);
});

test.each([
  { intervalMs: 0 },
  { intervalMs: 2 ** 31 },
  { changeDelayMs: -1 },
  { shutdownTimeoutMs: Number.NaN },
  { restartGraceMs: -1 },
])("a time out of range is refused: %o", async (options) => {
  const path = await snapshotPath();
  await expect(openSnapshotRegistry({ path, ...options })).rejects.toThrow(RangeError);
});
