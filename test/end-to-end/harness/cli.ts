/**
 * The built command line as a process of its own, as people call it.
 * @module
 */
import { execFile } from "node:child_process";
import { OUR_CLI } from "../../harness/paths.ts";
import { LineProcess } from "../../harness/processes/line-process.ts";

/** Longer than any command that ends by itself waits for something. */
const COMMAND_LIMIT_MS = 60_000;

/** How a command ended. */
export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export function runCli(...args: readonly string[]): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const options = { timeout: COMMAND_LIMIT_MS };
    execFile(process.execPath, [OUR_CLI, ...args], options, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : error.code;
      if (typeof exitCode === "number") resolve({ exitCode, stdout, stderr });
      else reject(error);
    });
  });
}

/** A row of a table that is watched: what happened (`+`, `-` or a blank), and what stands in the columns. */
export interface WatchedRow {
  readonly mark: string;
  readonly cells: readonly string[];
}

/** Starts a command that watches; its rows are events, the rest is kept for failures. */
export function watchCli(...args: readonly string[]): LineProcess<WatchedRow> {
  const rowOf = (line: string): WatchedRow | undefined => {
    const [, mark, rest] = /^([+ -]) {3}(\S.*)$/.exec(line) ?? [];
    return mark === undefined || rest === undefined
      ? undefined
      : { mark, cells: rest.split(/ {3,}/) };
  };
  return new LineProcess(args.join(" "), process.execPath, [OUR_CLI, ...args], rowOf);
}
