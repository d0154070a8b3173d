/**
 * The package's cases for registries, as tests.
 * @module
 */
import { describe, test } from "vitest";
import {
  discoveryRegistryCases,
  type RegistryCasesOptions,
} from "../../../src/sources/registry-cases.ts";

/** Runs the suite over one kind of registry. */
export function discoveryRegistrySuite(name: string, options: RegistryCasesOptions): void {
  describe(`${name} is a registry of affiliates`, () => {
    for (const { name: sentence, run } of discoveryRegistryCases(options)) test(sentence, run);
  });
}
