/**
 * Builds the Go programs of the interop tests and of the service's benchmark, once, into the ignored `.cache/interop`.
 * @module
 */
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { buildGoOnce } from "./go-build.ts";

const GO_MODULE = resolve(import.meta.dirname, "../../interop/go");
const ROOT = resolve(import.meta.dirname, "../../..");
const CACHE = join(ROOT, ".cache/interop");
const SERVICE_PACKAGE = "github.com/siderolabs/discovery-service/cmd/discovery-service";
const DECODER_PACKAGE = "github.com/siderolabs/discovery-service/cmd/snapshot-decoder";
const GRPCURL_MODULE = resolve(import.meta.dirname, "../../interop/grpcurl");
const GRPCURL_PACKAGE = "github.com/fullstorydev/grpcurl/cmd/grpcurl";

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
  return buildGoOnce({ cache: CACHE, name, module, packageName, files });
}
