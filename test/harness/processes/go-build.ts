/**
 * Go programs that are built once, into an ignored folder.
 * @module
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** The API server of Kubernetes takes four minutes on two cores, without its modules. */
const BUILD_LIMIT_MS = 1_800_000;

export interface GoBuild {
  /** Where programs are kept. */
  readonly cache: string;
  /** Begins the file name; programs of an older state under the same name are removed. */
  readonly name: string;
  /** Folder of the `go.mod`. */
  readonly module: string;
  /** `.` for the program in that folder; else the path of one that it requires. */
  readonly packageName: string;
  /** In the folder of the module: what the program depends on. Another state is another file. */
  readonly files: readonly string[];
}

/** @returns The program's path. */
export async function buildGoOnce(build: GoBuild): Promise<string> {
  const { cache, name, module, packageName, files } = build;
  const hash = createHash("sha256");
  for (const file of files) hash.update(file).update(await readFile(join(module, file)));
  const path = join(cache, `${name}-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(path)) return path;
  await mkdir(cache, { recursive: true });
  process.stderr.write(`building ${name}\n`);
  const started = performance.now();
  // Built beside its place and renamed: a run that is cut short leaves no half binary under the final name.
  const unfinished = join(cache, `unfinished-${process.pid}`);
  const args = ["build", "-trimpath", "-buildvcs=false", "-o", unfinished, packageName];
  await promisify(execFile)("go", args, { cwd: module, timeout: BUILD_LIMIT_MS });
  for (const old of await readdir(cache)) {
    if (old.startsWith(`${name}-`)) await rm(join(cache, old), { force: true });
  }
  await rename(unfinished, path);
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stderr.write(`built in ${seconds} s\n`);
  return path;
}
