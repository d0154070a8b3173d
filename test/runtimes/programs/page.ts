/**
 * The portable suite as a function of a web page, for the runner to call.
 * @module
 */
import { runTests, type TestResult } from "../harness.ts";
import { portableTests, type SuiteEnvironment } from "../suite.ts";

declare global {
  var runPortableSuite: (environment: SuiteEnvironment) => Promise<TestResult[]>;
}

globalThis.runPortableSuite = (environment) =>
  runTests((harness) => portableTests(harness, environment));
