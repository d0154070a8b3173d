/**
 * What a question leaves on a terminal: the answer's line, and nothing between it and the next.
 * @module
 */
import { expect, test } from "vitest";
import { OUR_CLI } from "../harness/paths.ts";
import { createCluster } from "../harness/processes/nodes.ts";
import { Stage } from "../harness/processes/stage.ts";
import { TerminalProcess } from "./harness/terminal-process.ts";

test.each([
  ["no", "n\n", "n"],
  ["Ctrl-D", "\u0004", ""],
  ["Ctrl-C", "\u0003", "^C"],
])("an answer of %s is followed by the next line at once", async (_, typed, shown) => {
  await using stage = new Stage();
  const service = await stage.service("ts");
  const { clusterId, clusterSecret } = createCluster();
  const node = stage.node("go", service, { clusterId, clusterSecret });
  const gone = node.publish({ nodename: "gone", hostname: "gone", addresses: ["10.0.0.1"] });
  await stage.node("ts", service, { clusterId, clusterSecret }).sees(gone);
  const args = ["forget", "gone", "--service", service.url, "--cluster-id", clusterId];
  const terminal = stage.use(
    await TerminalProcess.start(process.execPath, [OUR_CLI, ...args], {
      TALOS_DISCOVERY_CLUSTER_SECRET: clusterSecret,
    }),
  );
  const fromQuestion = async () => {
    const lines = await terminal.screen.lines();
    return lines.slice(lines.findIndex((line) => line.includes("[y/N]")));
  };
  await expect.poll(async () => (await fromQuestion())[0]).toMatch(/\[y\/N\]\s*$/);
  terminal.type(typed);
  expect(await terminal.exit()).toBe(1);
  const [answer, ...rest] = await fromQuestion();
  expect(answer?.split("[y/N]")[1]?.trim()).toBe(shown);
  expect(rest).toEqual(["talos-discovery: nothing was deleted", ""]);
});
