/**
 * The examples that are for other runtimes than Node: the page in Chromium, the embedded server in Deno and Bun.
 * @module
 */
import { spawn } from "node:child_process";
import { cp, readFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import type { Tools } from "../harness/runtimes/tools.ts";
import { withPage } from "./chromium.ts";
import { runTests, type TestResult } from "./harness.ts";
import type { RunningService } from "./runtimes.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");

/** Copies the examples beside the installed package, where its name resolves; returns their folder. */
export async function installExamples(folder: string): Promise<string> {
  const examples = join(folder, "examples");
  await cp(EXAMPLES, examples, { recursive: true });
  return examples;
}

/** Deno and Bun serve a module's default export on a port of their choice, and say which. */
const SERVE_COMMANDS = {
  deno: ["serve", "--host", "127.0.0.1", "--port", "0", "--no-prompt", "--no-remote"],
  bun: ["--port", "0"],
} as const;

/** Starts `embed-server.ts` as the comment at its top says. */
export async function startEmbeddedServer(
  tools: Tools,
  runtime: keyof typeof SERVE_COMMANDS,
  examples: string,
): Promise<RunningService> {
  const child = spawn(tools[runtime], [...SERVE_COMMANDS[runtime], "embed-server.ts"], {
    cwd: examples,
    env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  const url = new Promise<string>((resolve, reject) => {
    // One of them says it on stdout, the other on stderr.
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on("line", (line) => {
        const port = /http:\/\/[^/\s]+:(\d+)/.exec(line)?.[1];
        if (port !== undefined) resolve(`http://127.0.0.1:${port}`);
      });
    }
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${runtime} ended with ${code}`)));
    AbortSignal.timeout(20_000).addEventListener("abort", () => reject(new Error("no server")));
  });
  try {
    return { url: await url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Fills in the page of `examples/browser`, and sees a node come and go in it. */
export async function runExamplePage(
  tools: Tools,
  examples: string,
  service: string,
): Promise<TestResult[]> {
  const site = await exampleSite(join(examples, "browser"));
  const installed = join(examples, "../node_modules/talos-discovery/dist");
  return withPage(tools, site, (page, siteUrl) =>
    runTests(({ test, assert }) => {
      test("the example page: a node comes and goes, and a wrong secret is refused", async () => {
        const { DiscoveryClient, generateNodeId } = await importFile<
          typeof import("../../src/index.ts")
        >(join(installed, "index.js"));
        const { generateClusterId, generateClusterSecret } = await importFile<
          typeof import("../../src/crypto/index.ts")
        >(join(installed, "crypto.js"));
        const { grpcTransport } = await importFile<typeof import("../../src/node/index.ts")>(
          join(installed, "node.js"),
        );
        const cluster = { clusterId: generateClusterId(), clusterSecret: generateClusterSecret() };
        const untilStatus = (condition: string) =>
          page.waitForFunction(`(document.querySelector("output").textContent)${condition}`);

        await page.goto(siteUrl);
        await page.fill("[name=service]", service);
        await page.fill("[name=clusterId]", cluster.clusterId);
        await page.fill("[name=clusterSecret]", cluster.clusterSecret);
        await page.click("button");
        await untilStatus(' === "members: 0"');

        const node = new DiscoveryClient({
          ...cluster,
          service,
          transport: grpcTransport,
          nodeId: generateNodeId(),
        });
        node.publish({ nodename: "worker-1", addresses: ["10.0.0.1"] }, { endpoints: [] });
        const running = node.run();
        await untilStatus(' === "members: 1"');
        assert.equal(await page.textContent("tbody"), "worker-1worker10.0.0.1");
        node.withdraw();
        await untilStatus(' === "members: 0"');
        await node[Symbol.asyncDispose]();
        await running;

        await page.fill("[name=clusterSecret]", "no secret");
        await page.click("button");
        await untilStatus('.includes("secret")');
        assert.ok(!(await page.textContent("output"))?.includes("no secret"), "nothing is echoed");
      });
    }),
  );
}

/** The page and its bundle, as `esbuild --servedir` gives them. */
async function exampleSite(folder: string): Promise<RequestListener> {
  const { outputFiles } = await build({
    entryPoints: [join(folder, "main.ts")],
    bundle: true,
    format: "esm",
    write: false,
  });
  const html = await readFile(join(folder, "index.html"));
  return (request, response) => {
    const isScript = request.url === "/main.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? outputFiles[0]?.contents : html);
  };
}

function importFile<Module>(path: string): Promise<Module> {
  return import(pathToFileURL(path).href);
}
