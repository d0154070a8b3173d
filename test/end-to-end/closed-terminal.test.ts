/**
 * What runs in a terminal ends in order when the terminal is closed.
 * @module
 */
import { test } from "vitest";
import { OUR_CLI } from "../harness/paths.ts";
import { createCluster } from "../harness/processes/nodes.ts";
import { Stage } from "../harness/processes/stage.ts";
import { TerminalProcess } from "./harness/terminal-process.ts";

test("join leaves the cluster when its terminal is closed", async () => {
  await using stage = new Stage();
  const service = await stage.service("ts");
  const { clusterId, clusterSecret } = createCluster();
  const other = stage.node("go", service, { clusterId, clusterSecret });
  const args = ["join", "--nodename", "here", "--address", "10.0.0.1", "--service", service.url];
  await using terminal = await TerminalProcess.start(
    process.execPath,
    [OUR_CLI, ...args, "--cluster-id", clusterId],
    { TALOS_DISCOVERY_CLUSTER_SECRET: clusterSecret },
  );
  await other.seesThat("the machine", (seen) => (seen.size === 1 ? true : undefined));
  await terminal[Symbol.asyncDispose]();
  await other.seesThat("that it has left", (seen) => (seen.size === 0 ? true : undefined));
});
