/**
 * Builds the Go programs of the interop tests, once, into the ignored `.cache/interop`.
 * @module
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const GO_MODULE = resolve(import.meta.dirname, "../go");
const CACHE = resolve(import.meta.dirname, "../../../.cache/interop");
const SERVICE_PACKAGE = "github.com/siderolabs/discovery-service/cmd/discovery-service";
const BUILD_LIMIT_MS = 600_000;

const run = promisify(execFile);

/** Paths of the built programs. */
export interface Binaries {
  /** The reference service: a test peer, never shipped. */
  readonly service: string;
  /** The programs of `test/interop/go`. */
  readonly interop: string;
}

/** Builds what is missing. The service's name depends on `go.sum`, that of our programs on their sources too. */
export async function buildBinaries(): Promise<Binaries> {
  const sources = (await readdir(GO_MODULE)).filter((name) => name.endsWith(".go")).sort();
  const modules = await digest(["go.mod", "go.sum"]);
  const all = await digest(["go.mod", "go.sum", ...sources]);
  await mkdir(CACHE, { recursive: true });
  return {
    service: await build(SERVICE_PACKAGE, "discovery-service", modules),
    interop: await build(".", "interop", all),
  };
}

async function digest(names: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const name of names) hash.update(name).update(await readFile(join(GO_MODULE, name)));
  return hash.digest("hex").slice(0, 16);
}

async function build(packageName: string, name: string, state: string): Promise<string> {
  const path = join(CACHE, `${name}-${state}`);
  if (existsSync(path)) return path;
  process.stderr.write(
    `interop: building ${packageName === "." ? "test/interop/go" : packageName}\n`,
  );
  const started = performance.now();
  // Built beside its place and renamed: a run that is cut short leaves no half binary under the final name.
  const unfinished = join(CACHE, `unfinished-${process.pid}`);
  await run("go", ["build", "-trimpath", "-buildvcs=false", "-o", unfinished, packageName], {
    cwd: GO_MODULE,
    timeout: BUILD_LIMIT_MS,
  });
  for (const old of await readdir(CACHE)) {
    if (old.startsWith(`${name}-`)) await rm(join(CACHE, old), { force: true });
  }
  await rename(unfinished, path);
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stderr.write(`interop: built in ${seconds} s\n`);
  return path;
}
