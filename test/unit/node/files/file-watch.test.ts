/**
 * When a change of files is told, and when it is not yet.
 * @module
 */
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type FileReading,
  type FileWatch,
  readFiles,
  watchFiles,
} from "../../../../src/node/files/file-watch.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "talos-discovery-"));
});
afterEach(() => rm(folder, { recursive: true }));

function contentOf(reading: FileReading): string {
  return "bytes" in reading ? Buffer.from(reading.bytes).toString() : `(${reading.problem})`;
}

/** A timer that goes off when the test says so. */
function manualTimer() {
  let callback: (() => void) | undefined;
  const delays: number[] = [];
  return {
    delays,
    schedule(due: () => void, delayMs: number) {
      callback = due;
      delays.push(delayMs);
      return { cancel: () => (callback = undefined) };
    },
    get isSet() {
      return callback !== undefined;
    },
    async fire() {
      const due = callback;
      const count = delays.length;
      callback = undefined;
      due?.();
      await expect.poll(() => delays.length).toBeGreaterThan(count);
    },
  };
}

async function watched(paths: readonly string[]) {
  const timer = manualTimer();
  const told: string[][] = [];
  const watch: FileWatch = watchFiles(
    paths,
    await readFiles(paths),
    (readings) => told.push(readings.map(contentOf)),
    { schedule: timer.schedule, intervalMs: 2000 },
  );
  return { timer, told, watch };
}

test("a change is told once, when two looks agree on it", async () => {
  const path = join(folder, "file");
  await writeFile(path, "one");
  const { timer, told } = await watched([path]);
  await timer.fire();
  expect(told).toEqual([]);
  await writeFile(path, "tw");
  await timer.fire();
  await writeFile(path, "two");
  await timer.fire();
  expect(told).toEqual([]);
  await timer.fire();
  expect(told).toEqual([["two"]]);
  await timer.fire();
  await timer.fire();
  expect(told).toHaveLength(1);
  expect(timer.delays).toEqual([2000, 2000, 250, 250, 2000, 2000, 2000]);
});

test("files that change one after the other are told together", async () => {
  const paths = [join(folder, "certificate"), join(folder, "key")] as const;
  for (const path of paths) await writeFile(path, "old");
  const { timer, told } = await watched(paths);
  await writeFile(paths[0], "new");
  await timer.fire();
  await writeFile(paths[1], "new");
  await timer.fire();
  await timer.fire();
  expect(told).toEqual([["new", "new"]]);
});

test("what is written again with the same content is no change", async () => {
  const path = join(folder, "file");
  await writeFile(path, "same");
  const { told, watch } = await watched([path]);
  await rm(path);
  await writeFile(path, "same");
  await watch.look();
  expect(told).toEqual([]);
  watch.close();
});

test("a change and its reverse between two looks is none", async () => {
  const path = join(folder, "file");
  await writeFile(path, "one");
  const { timer, told } = await watched([path]);
  await writeFile(path, "two");
  await timer.fire();
  await writeFile(path, "one");
  await timer.fire();
  await timer.fire();
  expect(told).toEqual([]);
});

test("a file that goes is told as such, and its return as well", async () => {
  const path = join(folder, "file");
  await writeFile(path, "one");
  const { told, watch } = await watched([path]);
  await rm(path);
  await watch.look();
  await watch.look();
  await writeFile(path, "one");
  await watch.look();
  expect(told).toEqual([["(no such file or directory)"], ["one"]]);
  watch.close();
});

test("a folder in place of a file is told as such", async () => {
  const path = join(folder, "file");
  await writeFile(path, "one");
  const { told, watch } = await watched([path]);
  await rm(path);
  await mkdir(path);
  await watch.look();
  expect(told).toEqual([["(expected a regular file, found a directory)"]]);
  watch.close();
});

describe("links", () => {
  /** As the kubelet mounts a secret: `file -> ..data/file`, `..data -> ..<time>`. */
  async function mount(version: string, content: string): Promise<void> {
    await mkdir(join(folder, `..${version}`));
    await writeFile(join(folder, `..${version}`, "file"), content);
    await symlink(`..${version}`, join(folder, "..data_tmp"));
    await rename(join(folder, "..data_tmp"), join(folder, "..data"));
  }

  test("that Kubernetes exchanges are followed", async () => {
    await mount("one", "one");
    await symlink(join("..data", "file"), join(folder, "file"));
    const { timer, told } = await watched([join(folder, "file")]);
    await timer.fire();
    await mount("two", "two");
    await rm(join(folder, "..one"), { recursive: true });
    await timer.fire();
    await timer.fire();
    expect(told).toEqual([["two"]]);
  });
});

test("nothing is told and no timer left after close", async () => {
  const path = join(folder, "file");
  await writeFile(path, "one");
  const { timer, told, watch } = await watched([path]);
  await writeFile(path, "two");
  const looking = watch.look();
  watch.close();
  await looking;
  await watch.look();
  expect(told).toEqual([]);
  expect(timer.isSet).toBe(false);
});
