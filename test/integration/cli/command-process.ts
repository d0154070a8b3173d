/**
 * The command as a process of its own, which signals reach.
 * @module
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { onTestFinished } from "vitest";
import { DISTURBING_NOBODY } from "../../harness/cli/test-terminal.ts";

export const MAIN: string = new URL("../../../src/cli/main.ts", import.meta.url).pathname;

/** Runs the command as a process, which is killed at the latest when the test ends. */
export function spawnCommand(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcessWithoutNullStreams {
  const command = spawn(process.execPath, [MAIN, ...argv], {
    env: { ...process.env, ...DISTURBING_NOBODY, ...env },
  });
  onTestFinished(() => void command.kill("SIGKILL"));
  return command;
}

/**
 * Resolves when a stream has given text that matches; what it gives later is for others to read.
 */
export function untilPrinted(stream: Readable, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let all = "";
    const look = (chunk: Buffer) => {
      all += chunk.toString();
      const match = pattern.exec(all);
      if (match === null) return;
      stream.off("data", look).pause();
      resolve(match);
    };
    stream.on("data", look);
    stream.once("close", () => reject(new Error(`ended without ${pattern}: ${all}`)));
  });
}
