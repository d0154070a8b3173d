/**
 * Runs once before the interop tests: programs and certificates.
 * @module
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";
import { type Binaries, buildBinaries } from "../go/binaries.ts";
import { OUR_CLI } from "../paths.ts";

declare module "vitest" {
  interface ProvidedContext {
    binaries: Binaries;
    /** Folder with `ca.pem`, `server.pem` and `server-key.pem`, valid on loopback. */
    certificates: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!existsSync(OUR_CLI))
    throw new Error("dist/ is missing: npm run build, or npm run test:interop");
  const binaries = await buildBinaries();
  const certificates = await mkdtemp(join(tmpdir(), "talos-discovery-interop-"));
  await promisify(execFile)(binaries.interop, ["certificates", certificates]);
  project.provide("binaries", binaries);
  project.provide("certificates", certificates);
  return () => rm(certificates, { recursive: true });
}
