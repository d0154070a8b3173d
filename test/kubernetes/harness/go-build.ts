/**
 * Builds Go programs once, into the ignored `.cache/deploy`.
 * @module
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const ROOT = resolve(import.meta.dirname, "../../..");
const CACHE = join(ROOT, ".cache/deploy");
/** The API server takes four minutes on two cores. */
const BUILD_LIMIT_MS = 1_800_000;

const run = promisify(execFile);

/** The API server of Kubernetes. */
export function buildKubeApiServer(): Promise<string> {
  return buildGoProgram(
    "kube-apiserver",
    "test/kubernetes/kube-apiserver",
    "k8s.io/kubernetes/cmd/kube-apiserver",
  );
}

/**
 * A program's file has the state of its module in its name: another state is another file.
 *
 * @param module - Its folder in the repository.
 * @returns The program's path.
 */
export async function buildGoProgram(
  name: string,
  module: string,
  packageName: string,
): Promise<string> {
  await mkdir(CACHE, { recursive: true });
  const folder = join(ROOT, module);
  const path = join(CACHE, `${name}-${await digest(folder)}`);
  if (existsSync(path)) return path;
  process.stderr.write(`building ${name}\n`);
  const started = performance.now();
  // Built beside its place and renamed: a run that is cut short leaves no half binary under the final name.
  const unfinished = join(CACHE, `unfinished-${process.pid}`);
  await run("go", ["build", "-trimpath", "-buildvcs=false", "-o", unfinished, packageName], {
    cwd: folder,
    timeout: BUILD_LIMIT_MS,
  });
  for (const old of await readdir(CACHE)) {
    if (old.startsWith(`${name}-`)) await rm(join(CACHE, old), { force: true });
  }
  await rename(unfinished, path);
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stderr.write(`built in ${seconds} s\n`);
  return path;
}

async function digest(folder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const name of (await readdir(folder)).sort()) {
    hash.update(name).update(await readFile(join(folder, name)));
  }
  return hash.digest("hex").slice(0, 16);
}
