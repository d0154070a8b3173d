import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { generateClusterSecret } from "../../../../src/crypto/index.ts";
import type { DiscoveryServer } from "../../../../src/node/serve.ts";
import { runCommand, startCommand } from "../../../harness/cli/test-terminal.ts";
import { createTestCluster } from "../../../harness/cluster/published-nodes.ts";
import { unusedPort } from "../../../harness/net/unused-port.ts";
import { startService } from "../../../harness/service/test-service.ts";

let first: DiscoveryServer;
let second: DiscoveryServer;

beforeAll(async () => {
  [first, second] = await Promise.all([startService(), startService()]);
});

afterAll(async () => {
  await Promise.all([first.close(), second.close()]);
});

function nameOf({ port }: DiscoveryServer): string {
  return `127.0.0.1:${port}`;
}

/** A node on both services, and another one that must stay. */
async function createDeadNode() {
  const cluster = createTestCluster();
  const dead = {
    nodename: "worker-1",
    hostname: "w1.example",
    machineType: "worker",
    addresses: ["10.0.0.1"],
  };
  const nodeId = await cluster.publish(first, dead);
  await cluster.publish(second, { ...dead, nodeId });
  const kept = await cluster.publish(first, { nodename: "worker-2", addresses: ["10.0.0.2"] });
  return { cluster, dead, nodeId, kept, both: cluster.environment(first, second) };
}

describe("forget", () => {
  test("shows the node, asks, and deletes it from every service", async () => {
    const { cluster, nodeId, kept, both } = await createDeadNode();
    const { exitCode, stdout, stderr } = await runCommand(["forget", "worker-1"], {
      ...both,
      answer: "y",
    });
    const row = (server: DiscoveryServer) =>
      `${nameOf(server)}   ${nodeId}   worker-1   w1.example   worker         ["10.0.0.1"]`;
    expect(stderr.split("\n").map((line) => line.replace(/(ID|SERVICE) +/g, "$1 "))).toStrictEqual([
      "SERVICE ID NODENAME   HOSTNAME     MACHINE TYPE   ADDRESSES",
      row(first),
      row(second),
      'Forget "worker-1" on these 2 services? [y/N] ',
    ]);
    expect(stdout.split("\n").slice(1)).toStrictEqual([
      `${nameOf(first)}   ${nodeId}   forgotten`,
      `${nameOf(second)}   ${nodeId}   forgotten`,
      "",
    ]);
    expect(exitCode).toBe(0);
    expect(await cluster.listed(first)).toStrictEqual([kept]);
    expect(await cluster.listed(second)).toStrictEqual([]);
  });

  test.for(["", "n", "yess", "\u0004"])("deletes nothing when the answer is %j", async (answer) => {
    const { cluster, nodeId, kept, both } = await createDeadNode();
    const { exitCode, stdout, stderr } = await runCommand(["forget", nodeId], { ...both, answer });
    expect([exitCode, stdout]).toStrictEqual([1, ""]);
    expect(stderr).toMatch(
      /\ntalos-discovery: nothing was deleted\n$|\[y\/N\] talos-discovery: nothing was deleted\n$/,
    );
    expect(await cluster.listed(first)).toStrictEqual([nodeId, kept].sort());
  });

  test("without a terminal demands --yes, and shows what it would delete", async () => {
    const { cluster, nodeId, both } = await createDeadNode();
    const refused = await runCommand(["forget", "worker-1"], both);
    expect([refused.exitCode, refused.stdout]).toStrictEqual([2, ""]);
    expect(refused.stderr).toContain(nodeId);
    expect(refused.stderr).toMatch(/talos-discovery: --yes is missing, and without a terminal/);
    expect(await cluster.listed(second)).toStrictEqual([nodeId]);
    expect((await runCommand(["forget", "worker-1", "--yes"], both)).exitCode).toBe(0);
  });

  test("prints one object with -o json, and which services did not have it", async () => {
    const { nodeId, both } = await createDeadNode();
    await runCommand(["forget", nodeId, "--yes", "--service", second.url], both);
    const { exitCode, stdout } = await runCommand(["forget", nodeId, "-y", "-o", "json"], both);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toStrictEqual({
      nodeId,
      nodename: "worker-1",
      services: [
        { name: nameOf(first), url: first.url, result: "forgotten" },
        { name: nameOf(second), url: second.url, result: "absent" },
      ],
    });
  });

  test("of a name that nobody has fails, with names that are like it", async () => {
    const { both } = await createDeadNode();
    expect(await runCommand(["forget", "worker1", "--yes"], both)).toStrictEqual({
      exitCode: 1,
      stdout: "",
      stderr: 'talos-discovery: node "worker1": not found; there is "worker-1", "worker-2"\n',
    });
    const empty = createTestCluster().environment(first);
    expect((await runCommand(["forget", "worker-1", "--yes"], empty)).stderr).toBe(
      'talos-discovery: node "worker-1": not found: the cluster has no nodes on these services\n',
    );
  });

  test("of a name that two nodes have shows both and demands the ID", async () => {
    const { cluster, dead, nodeId, both } = await createDeadNode();
    const reborn = await cluster.publish(second, { ...dead, addresses: ["10.0.0.7"] });
    const { exitCode, stderr } = await runCommand(["forget", "worker-1", "--yes"], both);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(nodeId);
    expect(stderr).toContain(reborn);
    expect(stderr).toMatch(
      /talos-discovery: several nodes are called "worker-1": give the ID of one\n$/,
    );
    expect((await runCommand(["forget", nodeId, "--yes"], both)).exitCode).toBe(0);
    expect(await cluster.listed(second)).toStrictEqual([reborn]);
  });

  test("demands a secret that opens the node, unless --force is given", async () => {
    const cluster = createTestCluster();
    const foreign = await cluster.publish(first, {
      nodename: "worker-1",
      secret: generateClusterSecret(),
    });
    const here = cluster.environment(first);
    expect((await runCommand(["forget", "worker-1", "--yes"], here)).stderr).toBe(
      'talos-discovery: node "worker-1": not found: nothing opens with this secret, is it this cluster\'s?\n',
    );
    const refused = await runCommand(["forget", foreign, "--yes"], here);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(
      /does not open with this secret, so it may be another cluster's; --force/,
    );
    expect(await cluster.listed(first)).toStrictEqual([foreign]);
    const forced = await runCommand(["forget", foreign, "--yes", "--force"], here);
    expect([forced.exitCode, await cluster.listed(first)]).toStrictEqual([0, []]);
    expect(forced.stderr).toContain("(nothing that opens)");
  });

  test("goes on where a service is down, says which, and fails", async () => {
    const { cluster, nodeId, kept, both } = await createDeadNode();
    const down = await startService({ port: await unusedPort() });
    await down.close();
    const { exitCode, stdout, stderr } = await runCommand(["forget", "worker-1", "-y"], {
      env: { ...both.env, TALOS_DISCOVERY_SERVICE: `${first.url},${down.url}` },
    });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(new RegExp(`^${nameOf(first)} +${nodeId} +forgotten$`, "m"));
    expect(stdout).toMatch(new RegExp(`^${nameOf(down)} +${nodeId} +failed: .*ECONNREFUSED`, "m"));
    expect(stderr).toContain(`"worker-1" may still be known to ${nameOf(down)}\n`);
    expect(await cluster.listed(first)).toStrictEqual([kept]);

    const alone = await runCommand(["forget", "worker-1", "-y", "--service", down.url], both);
    expect(alone.exitCode).toBe(1);
    expect(alone.stderr).toMatch(/ECONNREFUSED.*\n.*: the service did not answer\n$/);
  });

  test("with --wait tells of a node that comes back: it is alive", async () => {
    const { cluster, dead, nodeId, both } = await createDeadNode();
    const forgetting = startCommand(["forget", "worker-1", "-y", "--wait", "1h"], both);
    onTestFinished(() => forgetting.interrupt());
    await expect.poll(() => cluster.listed(first)).not.toContain(nodeId);
    await cluster.publish(first, { ...dead, nodeId });
    await expect.poll(() => cluster.listed(second)).not.toContain(nodeId);
    forgetting.interrupt();
    expect(await forgetting.exitCode).toBe(1);
    expect(forgetting.stdout()).toMatch(new RegExp(`^${nameOf(first)} .* came back$`, "m"));
    expect(forgetting.stdout()).toMatch(new RegExp(`^${nameOf(second)} .* forgotten$`, "m"));
    expect(forgetting.stderr()).toContain(
      `"worker-1" came back on ${nameOf(first)}: it is alive; stop it first\n`,
    );
  });

  test("gives up on a service that does not answer", async () => {
    const silent = createServer((socket) => socket.on("error", () => {}));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as { port: number };
    const { both } = await createDeadNode();
    const { exitCode, stderr } = await runCommand(
      ["forget", "worker-1", "-y", "--timeout", "100ms", "--service", `http://127.0.0.1:${port}`],
      both,
    );
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/the service did not answer\n$/);
  });

  test("tells services alone, and says so where Kubernetes is named", async () => {
    const { both } = await createDeadNode();
    const { exitCode, stderr } = await runCommand(
      ["forget", "worker-1", "-y", "--kubeconfig", "kubeconfig"],
      both,
    );
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/\ntalos-discovery: Kubernetes is not touched: kubectl delete node /);
  });

  test("needs a service to tell", async () => {
    const { both } = await createDeadNode();
    const others = ["--service", "off", "--kubeconfig", "kubeconfig"];
    const none = await runCommand(["forget", "worker-1", "-y", ...others], both);
    expect(none.exitCode).toBe(2);
    expect(none.stderr).toBe(
      "talos-discovery: --service: none is named, and only services can be told to forget\n",
    );
    const off = await runCommand(["forget", "worker-1", "-y", "--service", "off"], both);
    expect(off.exitCode).toBe(2);
  });
});
