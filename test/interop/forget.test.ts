/**
 * `forget` before the reference and ours at once: dead nodes are gone for everybody, and nodes that are alive come back.
 * @module
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { OUR_CLI } from "../harness/paths.ts";
import {
  type Cluster,
  createCluster,
  NODE_KINDS,
  type NodeKind,
  type TestNode,
} from "../harness/processes/nodes.ts";
import type { Service } from "../harness/processes/services.ts";
import { Stage } from "../harness/processes/stage.ts";

const run = promisify(execFile);

interface Outcome {
  readonly exitCode: number;
  /** By service. */
  readonly results: readonly string[];
}

function environment({ clusterId, clusterSecret }: Cluster): NodeJS.ProcessEnv {
  return {
    ...process.env,
    TALOS_DISCOVERY_CLUSTER_ID: clusterId,
    TALOS_DISCOVERY_CLUSTER_SECRET: clusterSecret,
  };
}

/** Runs `forget --yes -o json`. */
async function forget(
  node: string,
  services: readonly Service[],
  cluster: Cluster,
  ...more: readonly string[]
): Promise<Outcome> {
  const urls = services.flatMap(({ url }) => ["--service", url]);
  const args = [OUR_CLI, "forget", node, "--yes", "-o", "json", ...urls, ...more];
  const { stdout, code } = await run(process.execPath, args, { env: environment(cluster) }).then(
    (done) => ({ ...done, code: 0 }),
    (error: { readonly stdout: string; readonly code: number }) => error,
  );
  const { services: outcomes } = JSON.parse(stdout) as { services: { result: string }[] };
  return { exitCode: code, results: outcomes.map(({ result }) => result) };
}

/** Runs a command on a terminal of its own (`script` is in every Debian), and answers the question that it asks. */
async function talk(
  command: string,
  cluster: Cluster,
  answer: string,
): Promise<{ readonly said: string; readonly exitCode: number }> {
  const line = `${process.execPath} ${OUR_CLI} ${command}`;
  const child = spawn("script", ["--quiet", "--return", "--command", line, "/dev/null"], {
    env: environment(cluster),
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (!said.includes("[y/N]") && `${said}${text}`.includes("[y/N]"))
      child.stdin.write(`${answer}\n`);
    said += text;
  });
  const [exitCode] = (await once(child, "close")) as [number];
  return { said, exitCode };
}

test("forgets a node on the reference and on ours, and nodes that are alive come back", async () => {
  await using stage = new Stage();
  const cluster = createCluster();
  const services = [await stage.service("go"), await stage.service("ts")];
  const observers = services.map((service) => stage.node("go", service, cluster));

  /** Nodes of one identity, one for each service, as a machine has them. */
  async function startNodes(kind: NodeKind, name: string, ttlMs: number): Promise<TestNode[]> {
    const nodes = services.map((service) =>
      stage.node(kind, service, cluster, { nodeId: `id of ${name}`, ttlMs }),
    );
    for (const node of nodes) node.publish({ nodename: name, addresses: ["10.0.0.1"] });
    for (const observer of observers) {
      await observer.seesThat(name, (seen) => seen.get(`id of ${name}`));
    }
    return nodes;
  }

  for (const kind of NODE_KINDS) {
    // Each refreshes every two seconds.
    const alive = await startNodes(kind, `${kind}-alive`, 4000);
    expect(await forget(`${kind}-alive`, services, cluster, "--wait", "30s")).toStrictEqual({
      exitCode: 1,
      results: ["came back", "came back"],
    });
    const dead = await startNodes(kind, `${kind}-dead`, 60_000);
    // A crash: what it had published would stay.
    for (const node of [...alive, ...dead]) await node.process.kill();
    expect(await forget(`${kind}-dead`, services, cluster)).toStrictEqual({
      exitCode: 0,
      results: ["forgotten", "forgotten"],
    });
    for (const observer of observers) await observer.sees();
  }
});

test("asks on a terminal, and deletes when the answer is yes", async () => {
  await using stage = new Stage();
  const cluster = createCluster();
  const service = await stage.service("go");
  const node = stage.node("go", service, cluster, { nodeId: "dead" });
  const observer = stage.node("ts", service, cluster);
  node.publish({ nodename: "worker-1" });
  await observer.seesThat("worker-1", (seen) => seen.get("dead"));
  await node.process.kill();
  for (const [answer, outcome] of [
    ["n", "nothing was deleted"],
    ["y", "forgotten"],
  ] as const) {
    const { said, exitCode } = await talk(
      `forget worker-1 --service ${service.url}`,
      cluster,
      answer,
    );
    expect(said).toMatch(/worker-1.*Forget "worker-1" on this service\? \[y\/N\]/s);
    expect(said).toContain(outcome);
    expect(exitCode).toBe(answer === "y" ? 0 : 1);
  }
  await observer.sees();
});

test("goes where the reference redirects to", async () => {
  await using stage = new Stage();
  const cluster = createCluster();
  const target = await stage.service("ts");
  const door = await stage.service("go", { redirect: target.endpoint });
  const observer = stage.node("ts", target, cluster);
  const node = stage.node("go", door, cluster, { nodeId: "dead", ttlMs: 60_000 });
  node.publish({ nodename: "worker-1" });
  await observer.seesThat("worker-1", (seen) => seen.get("dead"));
  await node.process.kill();
  expect(await forget("worker-1", [door], cluster)).toStrictEqual({
    exitCode: 0,
    results: ["forgotten"],
  });
  await observer.sees();
});
