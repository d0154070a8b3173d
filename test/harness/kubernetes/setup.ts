/**
 * Runs once before the tests with an API server: the program.
 * @module
 */
import type { TestProject } from "vitest/node";
import { buildKubeApiServer } from "../go/binaries.ts";

declare module "vitest" {
  interface ProvidedContext {
    kubeApiServer: string;
  }
}

export async function setup(project: TestProject): Promise<void> {
  project.provide("kubeApiServer", await buildKubeApiServer());
}
