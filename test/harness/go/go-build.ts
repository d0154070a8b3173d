/**
 * Builds Go programs once, into the ignored `.cache`.
 * @module
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../paths.ts";

/** The API server of Kubernetes takes four minutes on two cores, without its modules. */
const BUILD_LIMIT_MS = 1_800_000;

/** A program and where it is built. */
export interface GoProgram {
  /** Starts the file name; programs of an older state with the same name are removed. */
  readonly name: string;
  /** Folder of the `go.mod`. */
  readonly module: string;
  /** `.` for the program in that folder; otherwise the path of one that it requires. */
  readonly packageName: string;
  /** Folder in `.cache`. */
  readonly cache: "deploy" | "h2spec" | "interop";
}

/**
 * Builds a program unless it is in the cache. Its file name contains a hash of what it depends on,
 * so another state is another file.
 *
 * @returns The program's path.
 */
export async function buildGoProgram(program: GoProgram): Promise<string> {
  const { name, module, packageName } = program;
  const cache = join(ROOT, ".cache", program.cache);
  const hash = createHash("sha256");
  for (const file of await dependenciesOf(program)) {
    hash.update(file).update(await readFile(join(module, file)));
  }
  const path = join(cache, `${name}-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(path)) return path;
  await mkdir(cache, { recursive: true });
  process.stderr.write(`building ${name}\n`);
  const started = performance.now();
  // Built beside its place and renamed: an interrupted run leaves no half binary under that name.
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

/** The module's versions, and the sources of a program of ours or the list of tools. */
async function dependenciesOf({ module, packageName }: GoProgram): Promise<string[]> {
  const sources = (await readdir(module)).filter((file) =>
    packageName === "." ? file.endsWith(".go") : file === "tools.go",
  );
  return ["go.mod", "go.sum", ...sources.sort()];
}
