/**
 * Runs the examples as people would: copied into a folder that has the installed package, as processes of their own,
 * against a service on loopback.
 * @module
 */
import { execFile } from "node:child_process";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { ROOT } from "../harness/paths.ts";
import { startExample } from "./running-example.ts";

const { folder } = inject("packageUnderTest");
const examples = join(folder, "examples");

let server: { readonly url: string; close(): Promise<void> };
let clusterId: string;
let clusterSecret: string;

beforeAll(async () => {
  await cp(join(ROOT, "examples"), examples, { recursive: true });
  const { serve } = await importInstalled<typeof import("../../src/node/index.ts")>("node");
  const { generateClusterId, generateClusterSecret } =
    await importInstalled<typeof import("../../src/crypto/index.ts")>("crypto");
  server = await serve({ host: "127.0.0.1", port: 0 });
  clusterSecret = generateClusterSecret();
  clusterId = generateClusterId();
  // As an editor leaves it, with a newline at the end.
  await writeFile(join(examples, "cluster.secret"), `${clusterSecret}\n`, { mode: 0o600 });
});

afterAll(async () => {
  await server?.close();
});

/** A node that publishes itself through gRPC until it is told to leave. */
async function startNode(name: string, service: { readonly url: string } = server) {
  const node = startExample(join(examples, "publish-node.ts"), {
    CLUSTER_ID: clusterId,
    SERVICE_URL: service.url,
    IDENTITY_FILE: join(examples, `${name}.yaml`),
    NODE_NAME: name,
  });
  const nodeId = (await node.line(/^published /)).slice("published ".length);
  return { ...node, nodeId };
}

test("publish-node.ts and list-members.ts: a node is listed, keeps its identity, and is gone after it has left", async () => {
  const list = () =>
    startExample(join(examples, "list-members.ts"), {
      CLUSTER_ID: clusterId,
      SERVICE_URL: server.url,
    }).exit();

  const first = await startNode("worker-1");
  const second = await startNode("worker-2");
  await first.line(/^\+ /);

  const listed = await list();
  expect(listed).toMatchObject({ code: 0, stderr: "" });
  expect(listed.stdout.trimEnd().split("\n").sort()).toEqual([
    expect.stringMatching(/^worker-1( [\da-f.:]+)*$/),
    expect.stringMatching(/^worker-2( [\da-f.:]+)*$/),
  ]);

  second.stop();
  await expect(second.exit()).resolves.toMatchObject({ code: 0, stderr: "" });
  await first.line(new RegExp(`^- ${second.nodeId}$`));
  expect((await list()).stdout).toMatch(/^worker-1.*\n$/);

  const again = await startNode("worker-2");
  expect(again.nodeId).toBe(second.nodeId);
  for (const node of [first, again]) {
    node.stop();
    const { code, stdout } = await node.exit();
    expect(code).toBe(0);
    expect(stdout).toMatch(/^left$/m);
  }
  expect((await list()).stdout).toBe("");
});

test("discover-cluster.ts follows two services and a file side by side, is in both, and leaves both", async () => {
  const { serve } = await importInstalled<typeof import("../../src/node/index.ts")>("node");
  await using other = await serve({ host: "127.0.0.1", port: 0 });
  const hosts = join(examples, "hosts.yaml");
  await writeFile(hosts, "[{ nodename: nas, addresses: [192.0.2.9] }]");
  const example = startExample(join(examples, "discover-cluster.ts"), {
    CLUSTER_ID: clusterId,
    SERVICE_URLS: `${server.url} ${other.url}`,
    IDENTITY_FILE: join(examples, "discover-cluster.yaml"),
    NODE_NAME: "laptop",
  });
  await example.line(/^= nas 192\.0\.2\.9$/);
  const list = async (service: { readonly url: string }) => {
    const env = { CLUSTER_ID: clusterId, SERVICE_URL: service.url };
    return (await startExample(join(examples, "list-members.ts"), env).exit()).stdout;
  };
  await expect.poll(() => list(server), { timeout: 20_000 }).toMatch(/^laptop\b/);
  await expect.poll(() => list(other), { timeout: 20_000 }).toMatch(/^laptop\b/);

  const first = await startNode("worker-1");
  const second = await startNode("worker-2", other);
  await example.line(/^created worker-1\b/);
  await example.line(/^created worker-2\b/);
  first.stop();
  await example.line(/^destroyed worker-1\b/);
  await writeFile(hosts, "[]");
  await example.line(/^destroyed nas\b/);

  example.stop();
  const { code, stdout, stderr } = await example.exit();
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^= laptop\b/m);
  expect(stdout).toMatch(/^left\n$/m);
  expect(stdout).not.toMatch(/^destroyed worker-2\b/m);
  expect(await list(server)).toBe("");
  expect(await list(other)).toMatch(/^worker-2\b.*\n$/);
  second.stop();
  await second.exit();
});

test("own-registry.test.ts: the registry passes the package's cases, in Node's own test runner", async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--test", "--test-reporter=spec", "own-registry.test.ts"],
    // Vitest's own would have it report to its parent.
    { cwd: examples, env: { ...process.env, NODE_TEST_CONTEXT: undefined } },
  );
  expect(stdout).toMatch(/^ℹ pass 1[0-9]$/m);
  expect(stdout).toMatch(/^ℹ fail 0$/m);
});

describe("browser", () => {
  test("index.html has what main.ts looks for, and the bundle needs nothing but a browser", async () => {
    const { outputFiles, warnings } = await build({
      entryPoints: [join(examples, "browser/main.ts")],
      bundle: true,
      format: "esm",
      platform: "browser",
      write: false,
    });
    expect(warnings).toEqual([]);
    const html = await readFile(join(examples, "browser/index.html"), "utf8");
    const source = await readFile(join(examples, "browser/main.ts"), "utf8");
    const fields = Array.from(source.matchAll(/field\("(\w+)"\)/g), ([, name]) => name);
    expect(fields).toEqual(["service", "clusterId", "clusterSecret"]);
    for (const field of fields) expect(html).toContain(`name="${field}"`);
    for (const [, tag] of source.matchAll(/querySelector\("(\w+)"\)/g)) {
      expect(html).toContain(`<${tag}>`);
    }
    expect(html).toContain('src="main.js"');
    expect(outputFiles[0]?.text).not.toMatch(/(from|import|require)\s*\(?["']node:/);
  });

  test("members.ts follows a cluster through gRPC-Web, and reports a service that is not there", async () => {
    const { watchMembers } = await importBrowserMembers();
    const stop = new AbortController();
    const failures: Error[] = [];
    const watch = (service: string) =>
      watchMembers({
        service,
        clusterId,
        clusterSecret,
        onFailure: (error) => {
          failures.push(error);
          if (service !== server.url) stop.abort();
        },
        signal: stop.signal,
      });

    const members = watch(server.url);
    expect((await members.next()).value?.size).toBe(0);
    const node = await startNode("worker-3");
    const { value } = await members.next();
    expect([...(value?.keys() ?? [])]).toEqual(["worker-3"]);
    expect(value?.get("worker-3")).toMatchObject({ nodeId: node.nodeId, machineType: "worker" });
    node.stop();
    expect((await members.next()).value?.size).toBe(0);
    await node.exit();
    expect(failures).toEqual([]);

    // Port 1 of loopback: nobody listens there.
    expect(await watch("http://127.0.0.1:1/").next()).toMatchObject({ done: true });
    expect(failures).toMatchObject([{ code: "ERR_SERVICE_UNAVAILABLE" }]);
    expect(await members.next()).toMatchObject({ done: true });
  });
});

test("embed-server-node.ts serves a page of its own, and a service to which a browser's client comes", async () => {
  const example = startExample(join(examples, "embed-server-node.ts"), { PORT: "0" });
  const url = await example.line(/^http:/);
  expect(await (await fetch(new URL("hello", url))).text()).toBe("a page of our own\n");

  const { DiscoveryClient, generateNodeId } =
    await importInstalled<typeof import("../../src/index.ts")>("index");
  const { grpcWebTransport } =
    await importInstalled<typeof import("../../src/web/index.ts")>("web");
  const node = new DiscoveryClient({
    service: url,
    transport: grpcWebTransport,
    clusterId,
    clusterSecret,
    nodeId: generateNodeId(),
  });
  node.publish({ nodename: "embedded" }, { endpoints: [] });
  const running = node.run();
  await node.flush();

  const { watchMembers } = await importBrowserMembers();
  const stop = new AbortController();
  const members = watchMembers({
    service: url,
    clusterId,
    clusterSecret,
    onFailure: (error) => expect.fail(error.message),
    signal: stop.signal,
  });
  expect([...((await members.next()).value?.keys() ?? [])]).toEqual(["embedded"]);
  stop.abort();
  expect((await members.next()).done).toBe(true);
  await node[Symbol.asyncDispose]();
  await running;

  example.stop();
  await expect(example.exit()).resolves.toMatchObject({ code: 0, stderr: "" });
});

/** An entry point of the installed package, and not of the sources. */
function importInstalled<T>(entry: string): Promise<T> {
  const file = join(folder, "node_modules/talos-discovery/dist", `${entry}.js`);
  return import(/* @vite-ignore */ pathToFileURL(file).href);
}

/** The logic of the page, bundled as for a browser. */
async function importBrowserMembers(): Promise<typeof import("../../examples/browser/members.ts")> {
  const outfile = join(examples, "browser/members.bundle.mjs");
  await build({
    entryPoints: [join(examples, "browser/members.ts")],
    bundle: true,
    format: "esm",
    platform: "browser",
    outfile,
  });
  return import(/* @vite-ignore */ pathToFileURL(outfile).href);
}
