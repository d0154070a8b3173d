/**
 * How a command ends: three exit codes, and one line for what went wrong.
 * @module
 */
import { errorTraits } from "../errors.ts";

/** Done. */
export const EXIT_OK = 0;

/** The command was right, and something failed. */
export const EXIT_FAILED = 1;

/** The command, or what it was given, was wrong; repeating it cannot help. */
export const EXIT_USAGE = 2;

/** One of the exit codes. */
export type ExitCode = typeof EXIT_OK | typeof EXIT_FAILED | typeof EXIT_USAGE;

/** Wrong input: the message says what is wrong and where it stands. Never with a secret in it. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

/** A failure that the message explains completely. */
export class CommandFailure extends Error {
  override readonly name: string = "CommandFailure";
}

/** Whether `error` says that the input was wrong, rather than that something failed. */
export function isInputError(error: unknown): boolean {
  return error instanceof UsageError || errorTraits(error)?.exitStatus === EXIT_USAGE;
}

/** More than any message of ours. What is longer repeats what somebody else has sent. */
const MAX_LINE_CHARACTERS = 4000;

/** An error in one line: its message, without line breaks, and cut where it is very long. */
export function oneLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const start = message.slice(0, MAX_LINE_CHARACTERS).trim();
  const line = start.replace(/\s*[\r\n]+\s*/g, " ");
  return message.length > MAX_LINE_CHARACTERS ? `${line}…` : line;
}
