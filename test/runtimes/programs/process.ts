/**
 * Runs the suites in Node, Deno or Bun, which share `process`, and prints the results as one line of JSON.
 *
 *     process.ts SERVICE_URL [TLS_SERVICE_URL]
 *
 * @module
 */
import process from "node:process";
import { runTests } from "../harness.ts";
import { socketTests } from "../socket-suite.ts";
import { portableTests } from "../suite.ts";

const [serviceUrl = "", tlsServiceUrl] = process.argv.slice(2);

const results = await runTests((harness) => {
  portableTests(harness, { serviceUrl });
  if (tlsServiceUrl !== undefined) socketTests(harness, { serviceUrl, tlsServiceUrl });
});
process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit(0));
