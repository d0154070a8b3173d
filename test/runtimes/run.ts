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
import { installPackage } from "../dist/install-package.ts";
import { installExamples, runExamplePage, startEmbeddedServer } from "./examples.ts";
import { GAPS } from "./gaps.ts";
import type { TestResult } from "./harness.ts";
import {
  processRuntimes,
  type RunningService,
  runInChromium,
  runInProcess,
  runInWorkerd,
  startService,
} from "./runtimes.ts";
import { installTools } from "./tools.ts";

const wanted = process.argv.slice(2);

const [tools, installed] = await Promise.all([installTools(), installPackage()]);
const tests = join(installed.folder, "test");
const programs = join(tests, "runtimes/programs");
const examples = await installExamples(installed.folder);
const { node22, node24, deno, bun } = processRuntimes(tools);

/** Everything, given a service on Node 24 where no other is named. */
const runs: Readonly<Record<string, (serviceUrl: string) => Promise<TestResult[]>>> = {
  node22: (url) => runInProcess(node22, programs, url, ["portable", "socket"]),
  node24: (url) => runInProcess(node24, programs, url, ["portable", "socket"]),
  deno: (url) => runInProcess(deno, programs, url, ["portable", "socket"]),
  bun: (url) => runInProcess(bun, programs, url, ["portable", "socket"]),
  workerd: (url) => runInWorkerd(tools, programs, url),
  chromium: (url) => runInChromium(tools, programs, url),
  "node22-serve": () => withService(() => startService(node22, programs), throughNode),
  "deno-serve": () => withService(() => startService(deno, programs), throughNode),
  "bun-serve": () => withService(() => startService(bun, programs), throughNode),
  "chromium-example": (url) => runExamplePage(tools, examples, url),
  "deno-example": () =>
    withService(() => startEmbeddedServer(tools, "deno", examples), throughFetch),
  "bun-example": () => withService(() => startEmbeddedServer(tools, "bun", examples), throughFetch),
};

/** A service under another runtime, as clients on Node see it over all three protocols. */
function throughNode(serviceUrl: string): Promise<TestResult[]> {
  return runInProcess(node24, programs, serviceUrl, ["portable", "socket"]);
}

/** A service in a fetch handler, which has no gRPC. */
function throughFetch(serviceUrl: string): Promise<TestResult[]> {
  return runInProcess(node24, programs, serviceUrl, ["portable"]);
}

async function withService<Result>(
  start: () => Promise<RunningService>,
  use: (serviceUrl: string) => Promise<Result>,
): Promise<Result> {
  const service = await start();
  try {
    return await use(service.url);
  } finally {
    await service.stop();
  }
}

/** Prints one runtime's outcome; whether it is as expected. */
function report(runtime: string, results: readonly TestResult[], elapsedMs: number): boolean {
  const gaps = new Map(GAPS.filter((gap) => gap.runtime === runtime).map((gap) => [gap.test, gap]));
  const passed = results.filter(({ error }) => error === undefined);
  const failed = results.filter(({ error, name }) => error !== undefined && !gaps.has(name));
  const closed = passed.filter(({ name }) => gaps.has(name));
  const unknown = [...gaps.keys()].filter((test) => !results.some(({ name }) => name === test));
  for (const { name, error } of failed) console.log(`${runtime}: FAILED ${name}\n${error}`);
  for (const { name } of closed) console.log(`${runtime}: listed as a gap, but passes: ${name}`);
  for (const name of unknown) console.log(`${runtime}: listed as a gap, but no test: ${name}`);
  for (const gap of gaps.values()) console.log(`${runtime}: gap: ${gap.test}: ${gap.reason}`);
  const bad = failed.length + closed.length + unknown.length;
  const counts = `${passed.length - closed.length} passed, ${bad} failed`;
  const skipped = gaps.size > 0 ? `, ${gaps.size - closed.length - unknown.length} skipped` : "";
  console.log(`${runtime}: ${counts}${skipped}`);
  console.log(`  in ${(elapsedMs / 1000).toFixed(1)} s`);
  return bad === 0;
}

async function runAndReport(runtime: string, serviceUrl: string): Promise<boolean> {
  const start = performance.now();
  const results = await runs[runtime]?.(serviceUrl).catch((error: unknown) => [
    { name: "the suite starts", error: `${error instanceof Error ? error.stack : error}` },
  ]);
  return report(runtime, results ?? [], performance.now() - start);
}

try {
  await cp(import.meta.dirname, join(tests, "runtimes"), { recursive: true });
  await cp(join(import.meta.dirname, "../vectors"), join(tests, "vectors"), { recursive: true });
  const names = wanted.length > 0 ? wanted : Object.keys(runs);
  const unknown = names.filter((name) => !(name in runs));
  if (unknown.length > 0) throw new RangeError(`no such runtime: ${unknown.join(", ")}`);
  const outcomes = await withService(
    () => startService(node24, programs),
    async (serviceUrl) => {
      const all: boolean[] = [];
      for (const name of names) all.push(await runAndReport(name, serviceUrl));
      return all;
    },
  );
  process.exitCode = outcomes.every(Boolean) ? 0 : 1;
} finally {
  await installed.remove();
}
