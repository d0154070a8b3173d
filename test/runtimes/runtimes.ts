/**
 * How each runtime is given the suites: a process, a worker, or a page.
 * @module
 */
import { execFile, spawn } from "node:child_process";
import type { RequestListener } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { type BuildOptions, build } from "esbuild";
import type { Tools } from "../harness/runtimes/tools.ts";
import { withPage } from "./chromium.ts";
import type { TestResult } from "./harness.ts";

const execute = promisify(execFile);

/** Ends a runtime that hangs; the suites have deadlines of their own. */
const PROCESS_TIMEOUT_MS = 120_000;

/** The last day whose behaviour workerd is asked for. */
const WORKERD_COMPATIBILITY_DATE = "2026-07-01";

/** An interpreter and what stands before the program's path. */
export interface ProcessRuntime {
  readonly command: string;
  readonly args: readonly string[];
}

export function processRuntimes(
  tools: Tools,
): Record<"node22" | "node24" | "node26" | "deno" | "bun", ProcessRuntime> {
  return {
    node22: { command: tools.node22, args: ["--disable-warning=ExperimentalWarning"] },
    node24: { command: tools.node24, args: [] },
    node26: { command: tools.node26, args: [] },
    deno: { command: tools.deno, args: ["run", "--allow-all", "--no-prompt", "--no-remote"] },
    bun: { command: tools.bun, args: ["run", "--no-install"] },
  };
}

/** No colours, no checks for newer versions. */
const ENVIRONMENT = { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };

/**
 * @param programs - The folder of `process.ts`, inside the one where the package is installed.
 */
export async function runInProcess(
  { command, args }: ProcessRuntime,
  programs: string,
  { url, tlsUrl }: ServiceUrls,
): Promise<TestResult[]> {
  const { stdout } = await execute(
    command,
    [...args, join(programs, "process.ts"), url, ...(tlsUrl === undefined ? [] : [tlsUrl])],
    { cwd: programs, env: ENVIRONMENT, timeout: PROCESS_TIMEOUT_MS, killSignal: "SIGKILL" },
  );
  return parseResults(stdout.trim().split("\n").at(-1) ?? "");
}

function parseResults(json: string): TestResult[] {
  const results = JSON.parse(json) as TestResult[];
  if (!Array.isArray(results) || results.length === 0) throw new Error("no test ran");
  return results;
}

export interface ServiceUrls {
  readonly url: string;
  /** The same service over TLS. Absent where it has no gRPC: then the portable suite runs alone. */
  readonly tlsUrl?: string;
}

export interface RunningService extends ServiceUrls {
  stop(): Promise<void>;
}

/** Starts `service.ts`; resolves when it has said where it listens. */
export async function startService(
  { command, args }: ProcessRuntime,
  programs: string,
): Promise<RunningService> {
  const child = spawn(command, [...args, join(programs, "service.ts")], {
    cwd: programs,
    env: ENVIRONMENT,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async () => {
    child.stdin.end();
    const hung = setTimeout(() => child.kill("SIGKILL"), 5000);
    await exited;
    clearTimeout(hung);
  };
  const said = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the service ended with ${code}`)));
    AbortSignal.timeout(20_000).addEventListener("abort", () => reject(new Error("no service")));
  });
  try {
    const [url = "", tlsUrl = ""] = (await said).split(" ");
    return { url, tlsUrl, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function bundleProgram(path: string, options: BuildOptions): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    write: false,
    target: "es2022",
    logLevel: "warning",
    ...options,
  });
  const [file] = outputFiles ?? [];
  if (file === undefined) throw new Error(`esbuild wrote nothing for ${path}`);
  return file.text;
}

/** What is used of Miniflare, which only `.cache/runtimes` has. */
interface MiniflareModule {
  readonly Miniflare: new (
    options: Record<string, unknown>,
  ) => {
    dispatchFetch(url: string): Promise<{ text(): Promise<string> }>;
    dispose(): Promise<void>;
  };
}

export async function runInWorkerd(
  tools: Tools,
  programs: string,
  { url }: ServiceUrls,
): Promise<TestResult[]> {
  const script = await bundleProgram(join(programs, "worker.ts"), {
    format: "esm",
    conditions: ["workerd", "worker"],
  });
  const { Miniflare } = createRequire(join(tools.modules, "index.js"))(
    "miniflare",
  ) as MiniflareModule;
  const miniflare = new Miniflare({
    modules: true,
    script,
    compatibilityDate: WORKERD_COMPATIBILITY_DATE,
    bindings: { SERVICE_URL: url },
    host: "127.0.0.1",
    port: 0,
    // Else it asks the network for the description of a request.
    cf: false,
  });
  try {
    const response = await miniflare.dispatchFetch("http://worker.test/");
    return parseResults(await response.text());
  } finally {
    await miniflare.dispose();
  }
}

/** The page is of another origin than the service, which must name it in `corsOrigins`. */
export async function runInChromium(
  tools: Tools,
  programs: string,
  { url }: ServiceUrls,
): Promise<TestResult[]> {
  const content = await bundleProgram(join(programs, "page.ts"), { format: "iife" });
  const site: RequestListener = (_request, response) => {
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>runtime suite</title>");
  };
  return withPage(tools, site, async (page, siteUrl) => {
    await page.goto(siteUrl);
    await page.addScriptTag({ content });
    const environment = JSON.stringify({ serviceUrl: url });
    const expression = `runPortableSuite(${environment}).then((results) => JSON.stringify(results))`;
    return parseResults(await page.evaluate<string>(expression));
  });
}
