import { expect, onTestFinished, test } from "vitest";
import type { ClusterAccess } from "../../../../src/cli/cluster/cluster-access.ts";
import { openRegistries } from "../../../../src/cli/cluster/cluster-registries.ts";
import { createTestFolder } from "../../../harness/cli/test-folder.ts";

const NOTHING: ClusterAccess = {
  clusterId: undefined,
  clusterSecret: undefined,
  clusterName: undefined,
  services: [],
  kubeconfig: undefined,
  staticFile: undefined,
  ca: undefined,
  transport: () => {
    throw new Error("there is no service");
  },
};

const QUIET = { onDrop: () => {}, onNotice: () => {}, onRetry: () => {} };

test("a file of hosts is followed in every run, as after a sleep of the machine", async () => {
  await using folder = await createTestFolder();
  const staticFile = await folder.file("hosts.yaml", "- nodename: first\n");
  const [registry] = await openRegistries({ ...NOTHING, staticFile }, QUIET);
  const names = () => Array.from(registry?.affiliates.values() ?? [], ({ nodename }) => nodename);
  let stop = () => {};
  const run = () => {
    const stopping = new AbortController();
    stop = () => stopping.abort();
    onTestFinished(stop);
    return registry?.run({ signal: stopping.signal });
  };
  const running = run();
  expect(names()).toStrictEqual(["first"]);
  stop();
  await running;
  await folder.file("hosts.yaml", "- nodename: second\n");
  void run();
  await expect.poll(names, { timeout: 10_000 }).toStrictEqual(["second"]);
  await folder.file("hosts.yaml", "- nodename: third\n");
  await expect.poll(names, { timeout: 10_000 }).toStrictEqual(["third"]);
});
