/**
 * Runs the suites in Node, Deno or Bun, which share `process`, and prints the results as one line of JSON.
 *
 *     process.ts SERVICE_URL [portable] [socket]
 *
 * @module
 */
import process from "node:process";
import { runTests } from "../harness.ts";
import { socketTests } from "../socket-suite.ts";
import { portableTests } from "../suite.ts";

const [serviceUrl = "", ...suites] = process.argv.slice(2);

const results = await runTests((harness) => {
  if (suites.includes("portable")) portableTests(harness, { serviceUrl });
  if (suites.includes("socket")) socketTests(harness, { serviceUrl });
});
process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit(0));
