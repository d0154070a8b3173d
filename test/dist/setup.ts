/**
 * Runs once before the tests of the packed package: it is installed, and so are the runtimes that it runs on.
 * @module
 */
import type { TestProject } from "vitest/node";
import { type InstalledPackage, installPackage } from "../harness/runtimes/install-package.ts";
import { installTools, type Tools } from "../harness/runtimes/tools.ts";

declare module "vitest" {
  interface ProvidedContext {
    packageUnderTest: Omit<InstalledPackage, "remove">;
    tools: Tools;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  project.provide("tools", await installTools());
  const { remove, ...installed } = await installPackage();
  project.provide("packageUnderTest", installed);
  return remove;
}
