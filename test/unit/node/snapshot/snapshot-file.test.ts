import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { createSnapshotFile } from "../../../../src/node/snapshot/snapshot-file.ts";
import {
  describeSnapshotLoad,
  describeSnapshotSave,
  type SnapshotLoadReport,
  type SnapshotReport,
} from "../../../../src/node/snapshot/snapshot-report.ts";
import { StateSnapshotSchema } from "../../../../src/protocol/index.ts";
import { encodeSnapshotCluster } from "../../../../src/protocol/snapshot.ts";
import type { JournalCluster } from "../../../../src/registry/journal.ts";
import { MemoryRegistry } from "../../../../src/registry/memory-registry.ts";

const VECTORS = join(import.meta.dirname, "../../../vectors");
/** `savedAt` of the vectors. */
const VECTORS_TAKEN_AT = Date.parse("2026-01-02T03:04:05.678Z");

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "talos-discovery-snapshot-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

function journalAt(path: string, wallClock?: () => number) {
  const loads: SnapshotLoadReport[] = [];
  const saves: SnapshotReport[] = [];
  const onLoad = (report: SnapshotLoadReport): void => void loads.push(report);
  const onSave = (report: SnapshotReport): void => void saves.push(report);
  return { journal: createSnapshotFile({ path, wallClock, onLoad, onSave }), loads, saves };
}

async function loadAll(journal: { load(): AsyncIterable<JournalCluster> }) {
  const clusters: JournalCluster[] = [];
  for await (const cluster of journal.load()) clusters.push(cluster);
  return clusters;
}

function cluster(id: string, affiliates = 1, ttlMs = 60_000): JournalCluster {
  return {
    id,
    affiliates: Array.from({ length: affiliates }, (_, i) => ({
      id: `${id}-${i}`,
      data: new Uint8Array(40).fill(i),
      ttlMs,
      endpoints: [{ data: new Uint8Array(16).fill(i), ttlMs }],
    })),
  };
}

describe("load", () => {
  test("a missing file is an empty one, and no error", async () => {
    const { journal, loads } = journalAt(join(await folder(), "none", "state.binpb"));
    expect(await loadAll(journal)).toEqual([]);
    expect(loads).toMatchObject([{ status: "success", isMissing: true, affiliates: 0 }]);
    expect(describeSnapshotLoad(loads[0] as SnapshotLoadReport).level).toBe("info");
  });

  test.each(["ttl", "expiration"])(
    "the reference's file with %s loads with the time left",
    async (form) => {
      const path = join(VECTORS, `snapshot-${form}.binpb`);
      const expected = JSON.parse(await readFile(join(VECTORS, "snapshot-ttl.json"), "utf8"));
      const { journal, loads } = journalAt(path, () => VECTORS_TAKEN_AT);
      const loaded = (await loadAll(journal)).map(({ id, affiliates }) => ({
        id,
        affiliates: affiliates.map(({ id, data, ttlMs, endpoints }) => ({
          id,
          data: Buffer.from(data).toString("hex"),
          ttlSeconds: ttlMs / 1000,
          endpoints: endpoints.map((endpoint) => ({
            data: Buffer.from(endpoint.data).toString("hex"),
            ttlSeconds: endpoint.ttlMs / 1000,
          })),
        })),
      }));
      expect(loaded).toEqual(expected.clusters);
      expect(loads).toMatchObject([{ status: "success", bytes: (await stat(path)).size }]);
    },
  );
});

describe("save", () => {
  test("what is saved loads, with whole seconds, and the file is its owner's alone", async () => {
    const path = join(await folder(), "not/yet/there", "state.binpb");
    const { journal, loads, saves } = journalAt(path);
    await journal.save([cluster("a", 3, 61_999), cluster("b", 1, 999)]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await loadAll(journal)).toEqual([cluster("a", 3, 61_000), cluster("b", 1, 1)]);
    const contents = { clusters: 2, affiliates: 4, endpoints: 4, bytes: (await stat(path)).size };
    expect(saves).toMatchObject([{ operation: "save", status: "success", path, ...contents }]);
    expect(loads).toMatchObject([{ operation: "load", status: "success", path, ...contents }]);
    expect(describeSnapshotSave(saves[0] as SnapshotReport)).toEqual({
      level: "info",
      message: `snapshot ${path} saved: 2 clusters, 4 affiliates, 4 endpoints, ${contents.bytes} bytes`,
    });
  });

  test("a save that fails leaves the old file, and nothing else", async () => {
    const path = join(await folder(), "state.binpb");
    const { journal, saves } = journalAt(path);
    await journal.save([cluster("old")]);
    function* failing(): Iterable<JournalCluster> {
      yield cluster("new", 1_000);
      throw new Error("out of luck");
    }
    await expect(journal.save(failing())).rejects.toMatchObject({ code: "ERR_SNAPSHOT_NOT_SAVED" });
    expect(await loadAll(journal)).toEqual([cluster("old")]);
    expect(await readdir(join(path, ".."))).toEqual(["state.binpb"]);
    expect(saves[1]).toMatchObject({ status: "error", error: { code: "ERR_SNAPSHOT_NOT_SAVED" } });
    expect(describeSnapshotSave(saves[1] as SnapshotReport)).toEqual({
      level: "warn",
      message: `snapshot not saved: ${path}: out of luck`,
    });
  });

  test("a path below a file cannot be had, and that is no crash", async () => {
    const file = join(await folder(), "file");
    await writeFile(file, "");
    const { journal, loads } = journalAt(join(file, "state.binpb"));
    expect(await loadAll(journal)).toEqual([]);
    expect(loads).toMatchObject([{ status: "error", error: { code: "ERR_FILE_UNREADABLE" } }]);
    await expect(journal.save([])).rejects.toThrow(
      /not saved: .*: a part of the path is no directory/,
    );
  });

  test("a path that is a folder is neither loaded nor replaced", async () => {
    const path = await folder();
    const { journal, loads } = journalAt(path);
    expect(await loadAll(journal)).toEqual([]);
    expect(describeSnapshotLoad(loads[0] as SnapshotLoadReport)).toEqual({
      level: "warn",
      message: expect.stringMatching(
        /^snapshot not loaded whole: .*: expected a regular file, found a directory; kept 0 clusters/,
      ),
    });
    await expect(journal.save([cluster("a")])).rejects.toThrow(/found a directory/);
    expect((await stat(path)).isDirectory()).toBe(true);
  });

  test("a FIFO that comes in the file's place during a save stays, and the save fails", async () => {
    const base = await folder();
    const path = join(base, "state.binpb");
    const { journal, saves } = journalAt(path);
    await journal.save([cluster("a")]);
    function* replacedMeanwhile() {
      yield cluster("b");
      execFileSync("sh", ["-c", 'rm "$1" && mkfifo "$1"', "sh", path]);
    }
    const message = `snapshot not saved: ${path}: expected a regular file, found a FIFO`;
    await expect(journal.save(replacedMeanwhile())).rejects.toThrow(message);
    expect(describeSnapshotSave(saves[1] as SnapshotReport)).toEqual({ level: "warn", message });
    expect((await stat(path)).isFIFO()).toBe(true);
    expect(await readdir(base)).toEqual(["state.binpb"]);
    // Neither does one that is there already make a load wait.
    expect(await loadAll(journal)).toEqual([]);
  });

  test("a symbolic link stays, and what it leads to is replaced", async () => {
    const base = await folder();
    await mkdir(join(base, "data"));
    await writeFile(join(base, "data/real"), "");
    const path = join(base, "state.binpb");
    await symlink("data/real", path);
    const { journal } = journalAt(path);
    await journal.save([cluster("a")]);
    expect((await readdir(base)).sort()).toEqual(["data", "state.binpb"]);
    expect((await stat(join(base, "data/real"))).size).toBeGreaterThan(0);
    expect(await loadAll(journal)).toEqual([cluster("a")]);
  });

  test("what killed saves of this file have left is removed at the next load, and nothing else", async () => {
    const base = await folder();
    const path = join(base, "state.binpb");
    const others = [
      "other.binpb.saving-0123456789abcdef",
      "state.binpb.saving-",
      "state.binpb.saving-0123456789abcdeg",
      "state.binpb.bak",
      "xstate.binpb.saving-0123456789abcdef",
    ];
    for (const name of [...others, "state.binpb.saving-0123456789abcdef"]) {
      await writeFile(join(base, name), "x");
    }
    await loadAll(journalAt(path).journal);
    expect((await readdir(base)).sort()).toEqual(others.sort());
  });
});

describe("a damaged file", () => {
  test("cut at any byte gives the clusters before, a warning with what was kept and dropped, and a service", async () => {
    const path = join(await folder(), "state.binpb");
    const clusters = [cluster("a", 2), cluster("b", 3), cluster("c", 1)];
    const entries = clusters.map(encodeSnapshotCluster);
    const file = Buffer.concat(entries);
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length - 1), async (cut) => {
        await writeFile(path, file.subarray(0, cut));
        const { journal, loads } = journalAt(path);
        const registry = await MemoryRegistry.open({ journal });
        const { affiliates } = registry.totals();
        const sizes = [
          0,
          entries[0]?.length ?? 0,
          (entries[0]?.length ?? 0) + (entries[1]?.length ?? 0),
        ];
        const whole = sizes.filter((size) => size <= cut).length - 1;
        expect(affiliates).toBe([0, 2, 5][whole]);
        const isCut = !sizes.includes(cut);
        expect(loads).toMatchObject([
          {
            status: isCut ? "error" : "success",
            clusters: whole,
            affiliates,
            endpoints: affiliates,
            bytes: sizes[whole],
            unreadBytes: cut - (sizes[whole] ?? 0),
          },
        ]);
        const { level, message } = describeSnapshotLoad(loads[0] as SnapshotLoadReport);
        expect(level).toBe(isCut ? "warn" : "info");
        expect(message).toMatch(
          isCut ? /kept \d clusters?, .* dropped the last \d+ bytes?$/ : /kept/,
        );
        registry.update({ clusterId: "d", affiliateId: "x", endpoints: [], ttlMs: 1_000 });
        await registry.close();
      }),
    );
  });

  test("with any byte changed it loads, or tells why not, and clusters before that byte stay", async () => {
    const path = join(await folder(), "state.binpb");
    const entries = [cluster("a", 2), cluster("b", 3), cluster("c", 1)].map(encodeSnapshotCluster);
    const file = Buffer.concat(entries);
    const first = entries[0]?.length ?? 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length - 1), fc.nat(255), async (at, value) => {
        const changed = Buffer.from(file);
        changed[at] = value;
        await writeFile(path, changed);
        const { journal, loads } = journalAt(path);
        const registry = await MemoryRegistry.open({ journal });
        if (at >= first) expect(registry.list("a")).toHaveLength(2);
        const { affiliates, endpoints } = registry.totals();
        expect(loads).toHaveLength(1);
        expect(loads[0]?.affiliates).toBeGreaterThanOrEqual(affiliates);
        expect(loads[0]?.endpoints).toBeGreaterThanOrEqual(endpoints);
        await registry.close();
      }),
    );
  });

  test("is kept beside the file that the next save writes, whole", async () => {
    const path = join(await folder(), "state.binpb");
    const entry = encodeSnapshotCluster(cluster("a", 2));
    const damaged = Buffer.concat([entry, entry.subarray(0, 9)]);
    await writeFile(path, damaged);
    await writeFile(`${path}.damaged`, "an earlier one");
    const { journal } = journalAt(path);
    const registry = await MemoryRegistry.open({ journal, now: () => 0 });
    await registry.save();
    expect(await readFile(`${path}.damaged`)).toEqual(damaged);
    expect(await readFile(path)).toEqual(Buffer.from(entry));
    await rm(`${path}.damaged`);
    await registry.close();
    expect(await readdir(join(path, ".."))).toEqual(["state.binpb"]);
  });

  test("what the limits refuse and what has expired is dropped, and told", async () => {
    const path = join(await folder(), "state.binpb");
    const expiration = { seconds: 100n, nanos: 0 };
    const message = create(StateSnapshotSchema, {
      clusters: [
        { id: "", affiliates: [{ id: "nameless", ttl: { seconds: 60n } }] },
        {
          id: "c",
          affiliates: [
            { id: "alive", expiration, endpoints: [{ data: new Uint8Array(16), expiration }] },
            { id: "silent" },
            { id: "past", expiration: { seconds: 99n } },
            { id: "negative", ttl: { seconds: -1n } },
            { id: "big", ttl: { seconds: 60n }, data: new Uint8Array(2049) },
          ],
        },
      ],
    });
    await writeFile(path, toBinary(StateSnapshotSchema, message));
    const { journal, loads } = journalAt(path, () => 99_500);
    const registry = await MemoryRegistry.open({ journal });
    expect(registry.list("c").map(({ id }) => id)).toEqual(["alive"]);
    expect(loads).toMatchObject([
      { status: "success", clusters: 1, affiliates: 1, endpoints: 1, expired: 3, refused: 2 },
    ]);
    expect(describeSnapshotLoad(loads[0] as SnapshotLoadReport)).toEqual({
      level: "warn",
      message: `snapshot ${path} loaded: kept 1 cluster, 1 affiliate, 1 endpoint, dropped 3 affiliates whose time was over and 2 affiliates over the limits`,
    });
    await registry.close();
  });
});
