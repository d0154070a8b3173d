/**
 * Runs the portable suite inside a request to a worker (workerd), and answers with the results.
 * @module
 */
import { runTests } from "../harness.ts";
import { portableTests } from "../suite.ts";

async function fetch(_request: Request, env: { SERVICE_URL: string }): Promise<Response> {
  const environment = { serviceUrl: env.SERVICE_URL };
  return Response.json(await runTests((harness) => portableTests(harness, environment)));
}

// biome-ignore lint/style/noDefaultExport: the form of a module worker.
export default { fetch };
