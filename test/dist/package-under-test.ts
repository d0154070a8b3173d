/**
 * Installs the package once for all tests of `test/dist`.
 * @module
 */
import type { TestProject } from "vitest/node";
import { type InstalledPackage, installPackage } from "./install-package.ts";

declare module "vitest" {
  interface ProvidedContext {
    packageUnderTest: Omit<InstalledPackage, "remove">;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { remove, ...installed } = await installPackage();
  project.provide("packageUnderTest", installed);
  return remove;
}
