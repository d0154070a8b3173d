/**
 * A folder for one test.
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "talos-discovery-faults-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}
