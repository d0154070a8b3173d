/**
 * What the program and its commands agree on.
 * @module
 */
import type { Command } from "commander";
import type { ExitCode } from "./exit.ts";
import type { Flags } from "./flags/flags.ts";
import type { CliIo } from "./io.ts";

/** What a command is called with. */
export interface Invocation {
  readonly flags: Flags;
  /** Arguments that are no flags, in order. */
  readonly args: readonly string[];
  readonly io: CliIo;
}

/** A command's work. Throws `UsageError` for wrong input; any other error is a failure. */
export type CommandRun = (invocation: Invocation) => Promise<ExitCode> | ExitCode;

/**
 * Adds a command, or a group of them, to the program; `action` turns work into what commander
 * calls.
 */
export type AddCommand = (
  parent: Command,
  action: (run: CommandRun) => (this: Command) => Promise<void>,
) => void;

/** Examples at the end of a command's help. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}\n`;
}
