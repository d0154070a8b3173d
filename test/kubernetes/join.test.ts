/** `join` on a Kubernetes node, over the real API server. */
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { ANNOTATIONS } from "../../src/sources/kubernetes/index.ts";
import { createTestFolder, type TestFolder } from "../harness/cli/test-folder.ts";
import { type RunningCommand, runCommand, startCommand } from "../harness/cli/test-terminal.ts";
import { annotationsOf, nodeObject, writeKubeconfig } from "../harness/kubernetes/cluster.ts";
import { KubeApi } from "../harness/kubernetes/kube-api.ts";
import { startService } from "../harness/service/test-service.ts";

let api: KubeApi;
let folder: TestFolder;
let kubeconfig: string;
let cluster: string;

beforeAll(async () => {
  folder = await createTestFolder();
  api = await KubeApi.start(inject("kubeApiServer"));
  kubeconfig = await writeKubeconfig(folder.path("."), api, { token: api.token("admin") });
  cluster = folder.path("cluster.yaml");
  await runCommand(["cluster", "new", "--out", cluster]);
  const annotations = {
    [ANNOTATIONS.nodeId]: "somebody",
    [ANNOTATIONS.addresses]: "10.0.0.2",
  };
  await api.create(nodeObject("worker-2", { annotations }));
});

afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function join(...flags: readonly string[]): RunningCommand {
  const argv = ["join", "--kubeconfig", kubeconfig, "--address", "10.0.0.1", ...flags];
  const command = startCommand(argv, { env: { TALOS_DISCOVERY_CLUSTER_SECRET_FILE: cluster } });
  onTestFinished(async () => {
    command.interrupt();
    await command.exitCode;
  });
  return command;
}

test("join publishes to its Kubernetes node and to services, shows members of both, and leaves both", async () => {
  await using service = await startService();
  await api.create(nodeObject("worker-1", { annotations: { "example.org/theirs": "stays" } }));
  const joined = join("--node-name", "worker-1", "--service", service.url);
  await joined.printed(new RegExp(`registered \\w+ with ${service.url}`));
  await joined.printed(/registered \w+ with https:/);
  await joined.printed(/^\+ {3}worker-1 /m);
  await joined.printed(/^\+ {3}worker-2 .*\["10\.0\.0\.2"\]$/m);
  const [, nodeId = ""] = await joined.printed(/registered (\w+) with/);
  expect(await annotationsOf(api, "worker-1")).toEqual({
    "example.org/theirs": "stays",
    [ANNOTATIONS.nodeId]: nodeId,
    [ANNOTATIONS.addresses]: "10.0.0.1",
  });
  joined.interrupt();
  expect(await joined.exitCode).toBe(0);
  expect(await annotationsOf(api, "worker-1")).toEqual({ "example.org/theirs": "stays" });
  const argv = ["get", "affiliates", "--cluster-secret-file", cluster, "--service", service.url];
  expect((await runCommand(argv)).stdout.trim().split("\n")).toHaveLength(1);
});

test("join needs no service where it publishes to a Kubernetes node", async () => {
  await api.create(nodeObject("worker-3"));
  const joined = join("--node-name", "worker-3", "--service", "off");
  await joined.printed(/registered \w+ with https:/);
  await expect
    .poll(async () => (await annotationsOf(api, "worker-3"))[ANNOTATIONS.addresses])
    .toBe("10.0.0.1");
  joined.interrupt();
  expect(await joined.exitCode).toBe(0);
});

test("join without a place to publish to is a usage error", async () => {
  const joining = join("--service", "off");
  expect(await joining.exitCode).toBe(2);
  expect(joining.stderr()).toContain("no service to publish to, and no --node-name");
});
