/**
 * An example as a process of its own, and what it prints.
 * @module
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname } from "node:path";
import { onTestFinished } from "vitest";

/** How long an example may take for anything. */
const PATIENCE_MS = 30_000;

export interface ExampleExit {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningExample {
  /** The first line of stdout that matches, now or later. */
  line(pattern: RegExp): Promise<string>;
  /** Asks it to end, as Ctrl-C or a service manager does. */
  stop(): void;
  exit(): Promise<ExampleExit>;
}

/** Runs a file in its folder; it is killed at the end of the test where it has not ended. */
export function startExample(
  file: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): RunningExample {
  const child = spawn(process.execPath, [file, ...args], {
    cwd: dirname(file),
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const closed = once(child, "close").then(([code]): ExampleExit => ({ code, stdout, stderr }));
  onTestFinished(() => {
    child.kill("SIGKILL");
  });

  async function line(pattern: RegExp): Promise<string> {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const found = stdout
        .split("\n")
        .slice(0, -1)
        .find((text) => pattern.test(text));
      if (found !== undefined) return found;
      const more = once(child.stdout, "data", { signal: patience });
      const ended = await Promise.race([more.then(() => undefined), closed]);
      if (ended !== undefined) throw new Error(`${file} ended with ${ended.code}: ${ended.stderr}`);
    }
  }

  return {
    line,
    stop: () => void child.kill("SIGTERM"),
    exit: () => closed,
  };
}
