/**
 * `get -w` on a terminal: the table stays in place, through changes, another size and Ctrl-C.
 * @module
 */
import { expect, test } from "vitest";
import { OUR_CLI } from "../harness/paths.ts";
import { createCluster } from "../harness/processes/nodes.ts";
import { Stage } from "../harness/processes/stage.ts";
import { TerminalProcess } from "./harness/terminal-process.ts";

const HEADER = "*   ID      ";

test("a watched table stays in place on a terminal", async () => {
  await using stage = new Stage();
  const service = await stage.service("ts");
  const { clusterId, clusterSecret } = createCluster();
  const publish = (nodename: string) => {
    const node = stage.node("go", service, { clusterId, clusterSecret });
    node.publish({ nodename, hostname: nodename, machineType: "worker", addresses: ["10.0.0.1"] });
    return node;
  };
  publish("worker-2");
  const args = ["get", "members", "-w", "--service", service.url, "--cluster-id", clusterId];
  const terminal = stage.use(
    await TerminalProcess.start(process.execPath, [OUR_CLI, ...args], {
      TALOS_DISCOVERY_CLUSTER_SECRET: clusterSecret,
    }),
  );
  /** From the header on; a notice may stand above. What is new is marked for a moment only, which may be over. */
  const table = async () => {
    const lines = await terminal.screen.lines();
    const header = lines.findIndex((line) => line.startsWith("*   ID "));
    return lines.slice(header).map((line) => line.replace(/^\+/, " ").slice(0, 12));
  };
  await expect.poll(table).toEqual([HEADER, "    worker-2", ""]);
  const first = publish("worker-1");
  await expect.poll(table).toEqual([HEADER, "    worker-1", "    worker-2", ""]);
  await terminal.resize(60, 20);
  await expect
    .poll(async () => (await terminal.screen.lines())[0])
    .toMatch(/^\* {3}ID {9}VERSION .*…$/);
  first.withdraw();
  await expect.poll(table).toEqual([HEADER, "-   worker-1", "    worker-2", ""]);
  await expect.poll(table).toEqual([HEADER, "    worker-2", ""]);
  terminal.type("\u0003");
  expect(await terminal.exit()).toBe(0);
  expect(await table()).toEqual([HEADER, "    worker-2", ""]);
});
