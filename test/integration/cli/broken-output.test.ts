/**
 * Output that nobody reads any more, or that has no room: the process as a shell starts it.
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test, vi } from "vitest";
import { createTestFolder } from "../../harness/cli/test-folder.ts";

// A process takes its time to start where several do so at once.
vi.setConfig({ testTimeout: 30_000 });

const MAIN = new URL("../../../src/cli/main.ts", import.meta.url).pathname;

/** @param stdout - A pipe, or an open file. */
function spawnCommand(stdout: "pipe" | number, ...argv: string[]): ChildProcess {
  const command = spawn(process.execPath, [MAIN, ...argv], { stdio: ["ignore", stdout, "pipe"] });
  onTestFinished(() => void command.kill("SIGKILL"));
  return command;
}

async function outcomeOf(command: ChildProcess): Promise<{ exitCode: number; stderr: string }> {
  const stderr = command.stderr === null ? "" : text(command.stderr);
  const [exitCode] = await once(command, "exit");
  return { exitCode, stderr: await stderr };
}

test("a reader that has seen enough of a diagnosis ends it in silence", async () => {
  const command = spawnCommand("pipe", "diagnose", "--service", "http://127.0.0.1:1");
  command.stdout?.destroy();
  expect(await outcomeOf(command)).toStrictEqual({ exitCode: 0, stderr: "" });
});

test("a reader that has seen enough of what is watched ends it in silence", async () => {
  await using folder = await createTestFolder();
  const path = await folder.file("hosts.yaml", "- nodename: nas\n");
  const command = spawnCommand("pipe", "get", "members", "-w", "--static", path);
  command.stdout?.destroy();
  expect(await outcomeOf(command)).toStrictEqual({ exitCode: 0, stderr: "" });
});

test("results that find no room are a failure in one line", async () => {
  const command = spawnCommand(openSync("/dev/full", "w"), "--help");
  const { exitCode, stderr } = await outcomeOf(command);
  expect(stderr).toMatch(/^talos-discovery: stdout: [^\n]*no space left[^\n]*\n$/);
  expect(exitCode).toBe(1);
});
