/**
 * Runs once before the tests of `deploy/`: programs.
 * @module
 */
import { existsSync } from "node:fs";
import type { TestProject } from "vitest/node";
import { OUR_CLI } from "../../harness/paths.ts";
import { buildPrograms, type Programs } from "./go-programs.ts";

declare module "vitest" {
  interface ProvidedContext {
    programs: Programs;
  }
}

export async function setup(project: TestProject): Promise<void> {
  if (!existsSync(OUR_CLI))
    throw new Error("dist/ is missing: npm run build, or npm run test:deploy");
  project.provide("programs", await buildPrograms());
}
