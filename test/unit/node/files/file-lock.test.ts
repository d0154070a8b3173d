/** A lock ends with its holder, and nothing that is left of it stops the next. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstat, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { expect, onTestFinished, test } from "vitest";
import { type FileLock, lockFile } from "../../../../src/node/files/file-lock.ts";
import { createTestFolder } from "../../../harness/cli/test-folder.ts";

async function scratch() {
  const folder = await createTestFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return folder;
}

async function lock(path: string): Promise<FileLock> {
  const taken = await lockFile(path);
  if (taken.state === "locked") onTestFinished(() => taken.unlock());
  return taken;
}

/** Takes the lock in a process of its own, and gives what kills it. */
async function lockElsewhere(path: string): Promise<() => Promise<void>> {
  const module = new URL("../../../../src/node/files/file-lock.ts", import.meta.url).href;
  const program = `const { lockFile } = await import(${JSON.stringify(module)});
    console.log((await lockFile(${JSON.stringify(path)})).state); setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program]);
  onTestFinished(() => void child.kill("SIGKILL"));
  const [said] = await once(child.stdout, "data");
  expect(String(said)).toBe("locked\n");
  return async () => {
    child.kill("SIGKILL");
    await once(child, "exit");
  };
}

test("a file is locked once at a time, and free again afterwards", async () => {
  const folder = await scratch();
  const path = folder.path("new/state");
  const first = await lock(path);
  expect(first.state).toBe("locked");
  expect((await lock(path)).state).toBe("taken");
  if (first.state === "locked") await first.unlock();
  expect(await readdir(folder.path("new"))).toEqual([]);
  expect((await lock(path)).state).toBe("locked");
});

test("all names of a file share its lock, and other files have their own", async () => {
  const folder = await scratch();
  await symlink("state", folder.path("link"));
  expect((await lock(folder.path("state"))).state).toBe("locked");
  expect((await lock(folder.path("link"))).state).toBe("taken");
  expect((await lock(folder.path("other"))).state).toBe("locked");
});

test("a killed process holds nothing", async () => {
  const path = (await scratch()).path("state");
  const kill = await lockElsewhere(path);
  expect((await lock(path)).state).toBe("taken");
  await kill();
  // What it has left is there, and nobody answers.
  expect((await lstat(`${path}.lock`)).isSocket()).toBe(true);
  const contenders = await Promise.all([lock(path), lock(path), lock(path), lock(path)]);
  expect(contenders.map(({ state }) => state).sort()).toEqual([
    "locked",
    "taken",
    "taken",
    "taken",
  ]);
});

test("somebody's file with the lock's name stays, and a folder that is none locks nothing", async () => {
  const folder = await scratch();
  await folder.file("state.lock", "a list");
  expect((await lock(folder.path("state"))).state).toBe("unavailable");
  await mkdir(folder.path("other.lock"));
  expect((await lock(folder.path("other"))).state).toBe("unavailable");
  await writeFile(folder.path("file"), "");
  expect((await lock(folder.path("file/state"))).state).toBe("unavailable");
  expect((await lock(folder.path("x".repeat(200)))).state).toBe("unavailable");
  expect((await readdir(folder.path("."))).sort()).toEqual(["file", "other.lock", "state.lock"]);
});
