/**
 * Runs one command line from its arguments to its exit code.
 * @module
 */
import { type Command, CommanderError } from "commander";
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, type ExitCode, isInputError, oneLine } from "./exit.ts";
import { rewriteGoFlags } from "./flags/go-flags.ts";
import { refuseSecretArguments } from "./flags/secret-arguments.ts";
import { type CliIo, writeNotice } from "./io.ts";
import { createProgram } from "./program.ts";
import { redactSecrets } from "./text.ts";
import { outdatedNode } from "./version.ts";

/**
 * Runs a command.
 *
 * @param argv - Without the program's own name.
 * @returns 0 when done, 1 when something failed, 2 when the command or its input was wrong. Never throws: what went wrong
 * is one line on stderr.
 * @example
 * process.exitCode = await run(["get", "members"], io);
 */
export async function run(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT_OK;
  try {
    refuseSecretArguments(argv);
    const program = await createProgram(argv[0] ?? "", io, (code) => {
      exitCode = code;
    });
    await program.parseAsync(acceptGoFlags(argv, program), { from: "user" });
    return exitCode;
  } catch (error) {
    return report(error, io);
  }
}

// Only `serve` has a counterpart whose command lines people carry over.
function acceptGoFlags(argv: readonly string[], program: Command): readonly string[] {
  const serve = program.commands.find((command) => command.name() === argv[0]);
  if (serve?.name() !== "serve") return argv;
  return ["serve", ...rewriteGoFlags(argv.slice(1), serve)];
}

function report(error: unknown, io: CliIo): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT_OK;
    // Called without a command: its help is on stderr already.
    if (error.code !== "commander.help") writeNotice(io, describeParseError(error));
    return EXIT_USAGE;
  }
  writeNotice(io, redactSecrets(oneLine(error)));
  // What an old Node lacks shows as a TypeError, which would tell a user nothing.
  const outdated = error instanceof TypeError ? outdatedNode(process.versions.node) : undefined;
  if (outdated !== undefined) writeNotice(io, outdated);
  return isInputError(error) ? EXIT_USAGE : EXIT_FAILED;
}

function describeParseError(error: CommanderError): string {
  const line = oneLine(error)
    .replace(/^error: /, "")
    // Commander repeats what it does not know, and that may be anything.
    .replace(/^(unknown option '[^'=]*)=.*'/, "$1'")
    .replace(/^(too many arguments.*? but got \d+):.*$/, "$1");
  return redactSecrets(line);
}
