/**
 * Builds the Go programs of the interop tests and of the service's benchmark, once, into the ignored `.cache/interop`.
 * @module
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { promisify } from "node:util";

const GO_MODULE = resolve(import.meta.dirname, "../go");
const ROOT = resolve(import.meta.dirname, "../../..");
const CACHE = join(ROOT, ".cache/interop");
const SERVICE_PACKAGE = "github.com/siderolabs/discovery-service/cmd/discovery-service";
const DECODER_PACKAGE = "github.com/siderolabs/discovery-service/cmd/snapshot-decoder";
const GRPCURL_MODULE = resolve(import.meta.dirname, "../grpcurl");
const GRPCURL_PACKAGE = "github.com/fullstorydev/grpcurl/cmd/grpcurl";
const BUILD_LIMIT_MS = 600_000;

const run = promisify(execFile);

/** Paths of the built programs. */
export interface Binaries {
  /** The reference service: a test peer, never shipped. */
  readonly service: string;
  /** The reference's tool that prints a snapshot file as JSON. */
  readonly decoder: string;
  /** The programs of `test/interop/go`. */
  readonly interop: string;
  /** What people call gRPC services with, by their reflection. */
  readonly grpcurl: string;
}

/** Builds what is missing. The service's name depends on `go.sum`, that of our programs on their sources too. */
export async function buildBinaries(): Promise<Binaries> {
  return {
    service: await buildGoProgram(GO_MODULE, SERVICE_PACKAGE, "discovery-service"),
    decoder: await buildGoProgram(GO_MODULE, DECODER_PACKAGE, "snapshot-decoder"),
    interop: await buildGoProgram(GO_MODULE, ".", "interop"),
    grpcurl: await buildGoProgram(GRPCURL_MODULE, GRPCURL_PACKAGE, "grpcurl"),
  };
}

/**
 * Builds a Go program where it is not in the cache as it is now.
 *
 * @param module - Folder of its `go.mod`.
 * @param packageName - `.` for the program in that folder, whose sources then count; else the path of one that it requires.
 * @param name - Begins its file name; builds of an older state under the same name are removed.
 * @returns The path of the program.
 */
export async function buildGoProgram(
  module: string,
  packageName: string,
  name: string,
): Promise<string> {
  const files = ["go.mod", "go.sum"];
  if (packageName === ".") {
    files.push(...(await readdir(module)).filter((file) => file.endsWith(".go")).sort());
  }
  const hash = createHash("sha256");
  for (const file of files) hash.update(file).update(await readFile(join(module, file)));
  const path = join(CACHE, `${name}-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(path)) return path;
  await mkdir(CACHE, { recursive: true });
  process.stderr.write(`building ${packageName === "." ? relative(ROOT, module) : packageName}\n`);
  const started = performance.now();
  // Built beside its place and renamed: a run that is cut short leaves no half binary under the final name.
  const unfinished = join(CACHE, `unfinished-${process.pid}`);
  await run("go", ["build", "-trimpath", "-buildvcs=false", "-o", unfinished, packageName], {
    cwd: module,
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
