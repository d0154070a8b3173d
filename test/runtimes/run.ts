/**
 * Runs the suites over the packed package in every runtime that it is for. Ends non-zero where a test fails that is not
 * listed as a gap, or one passes that is.
 *
 *     node test/runtimes/run.ts [runtime…]
 *
 * @module
 */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { installPackage } from "../harness/runtimes/install-package.ts";
import { installTools } from "../harness/runtimes/tools.ts";
import { installExamples, runExamplePage, startEmbeddedServer } from "./examples.ts";
import { judge } from "./gaps.ts";
import { goNodesMeet } from "./go-nodes.ts";
import type { TestResult } from "./harness.ts";
import {
  processRuntimes,
  type RunningService,
  runInChromium,
  runInProcess,
  runInWorkerd,
  type ServiceUrls,
  startService,
} from "./runtimes.ts";

const wanted = process.argv.slice(2);

const [tools, installed] = await Promise.all([installTools(), installPackage()]);
const tests = join(installed.folder, "test");
const programs = join(tests, "runtimes/programs");
const examples = await installExamples(installed.folder);
const { node22, node24, node26, deno, bun } = processRuntimes(tools);

/** Everything, given a service on Node 26 if no other is named. */
const runs: Readonly<Record<string, (service: ServiceUrls) => Promise<TestResult[]>>> = {
  node22: (service) => runInProcess(node22, programs, service),
  node24: (service) => runInProcess(node24, programs, service),
  node26: (service) => runInProcess(node26, programs, service),
  deno: (service) => runInProcess(deno, programs, service),
  bun: (service) => runInProcess(bun, programs, service),
  workerd: (service) => runInWorkerd(tools, programs, service),
  chromium: (service) => runInChromium(tools, programs, service),
  "node22-serve": () => withService(() => startService(node22, programs), throughClients),
  "deno-serve": () => withService(() => startService(deno, programs), throughClients),
  "bun-serve": () => withService(() => startService(bun, programs), throughClients),
  "chromium-example": ({ url }) => runExamplePage(tools, examples, url),
  "deno-example": () =>
    withService(() => startEmbeddedServer(tools, "deno", examples), throughFetch),
  "bun-example": () => withService(() => startEmbeddedServer(tools, "bun", examples), throughFetch),
};

/** A service under another runtime, as our clients on Node see it over all protocols, and Go nodes over gRPC. */
async function throughClients(service: ServiceUrls): Promise<TestResult[]> {
  const ours = await runInProcess(node26, programs, service);
  return [...ours, ...(await goNodesMeet(service))];
}

/** A service in a fetch handler, which has no gRPC. */
function throughFetch(service: ServiceUrls): Promise<TestResult[]> {
  return runInProcess(node26, programs, service);
}

async function withService<Result>(
  start: () => Promise<RunningService>,
  use: (service: ServiceUrls) => Promise<Result>,
): Promise<Result> {
  const service = await start();
  try {
    return await use(service);
  } finally {
    await service.stop();
  }
}

/** Prints one runtime's outcome; whether it is as expected. */
function report(runtime: string, results: readonly TestResult[], elapsedMs: number): boolean {
  const { passed, failures, gaps } = judge(runtime, results);
  for (const failure of failures) console.log(`${runtime}: ${failure}`);
  for (const { test, reason } of gaps) console.log(`${runtime}: gap: ${test}: ${reason}`);
  const skipped = gaps.length > 0 ? `, ${gaps.length} skipped` : "";
  console.log(`${runtime}: ${passed} passed, ${failures.length} failed${skipped}`);
  console.log(`  in ${(elapsedMs / 1000).toFixed(1)} s`);
  return failures.length === 0;
}

async function runAndReport(runtime: string, service: ServiceUrls): Promise<boolean> {
  const start = performance.now();
  const results = await runs[runtime]?.(service).catch((error: unknown) => [
    { name: "the suite starts", error: `${error instanceof Error ? error.stack : error}` },
  ]);
  return report(runtime, results ?? [], performance.now() - start);
}

try {
  await cp(import.meta.dirname, join(tests, "runtimes"), { recursive: true });
  for (const name of ["vectors", "fixtures"]) {
    await cp(join(import.meta.dirname, "..", name), join(tests, name), { recursive: true });
  }
  const names = wanted.length > 0 ? wanted : Object.keys(runs);
  const unknown = names.filter((name) => !(name in runs));
  if (unknown.length > 0) throw new RangeError(`no such runtime: ${unknown.join(", ")}`);
  const outcomes = await withService(
    () => startService(node26, programs),
    async (service) => {
      const all: boolean[] = [];
      for (const name of names) all.push(await runAndReport(name, service));
      return all;
    },
  );
  process.exitCode = outcomes.every(Boolean) ? 0 : 1;
} finally {
  await installed.remove();
}
