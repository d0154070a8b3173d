/**
 * What a question leaves on a terminal: the answer's line, and nothing between it and the next.
 * @module
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { startService } from "../node/test-service.ts";
import { createTestCluster } from "./published-nodes.ts";

const MAIN = new URL("../../../src/cli/main.ts", import.meta.url).pathname;

test.each([
  ["no", "n\n", "n"],
  ["Ctrl-D", "\u0004", ""],
  ["Ctrl-C", "\u0003", "^C"],
])(
  "an answer of %s is followed by the next line at once",
  async (_, typed, shown) => {
    const service = await startService();
    onTestFinished(() => service.close());
    const cluster = createTestCluster();
    await cluster.publish(service, { nodename: "gone", addresses: ["10.0.0.1"] });
    const { env } = cluster.environment(service);
    const command = `exec '${process.execPath}' '${MAIN}' forget gone`;
    const terminal = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
      env: { ...process.env, ...env },
    });
    onTestFinished(() => void terminal.kill("SIGKILL"));
    let said = "";
    terminal.stdout.setEncoding("utf8").on("data", (text: string) => {
      const isAsked = said.includes("[y/N] ");
      said += text;
      if (!isAsked && said.includes("[y/N] ")) terminal.stdin.write(typed);
    });
    expect(await once(terminal, "close")).toEqual([1, null]);
    const [, rest] = said.replaceAll("\r", "").split("[y/N] ");
    expect(rest).toBe(`${shown}\ntalos-discovery: nothing was deleted\n`);
  },
  40_000,
);
