/**
 * The program: its commands, how they are parsed and explained, and how one command line is run.
 * @module
 */
import { Command, CommanderError } from "commander";
import { type AddCommand, type CommandRun, examples } from "./command.ts";
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, type ExitCode, isInputError, oneLine } from "./exit.ts";
import { refuseSecretArguments, rewriteGoFlags } from "./flags/arguments.ts";
import { Flags } from "./flags/flags.ts";
import { type CliIo, writeNotice } from "./io.ts";
import { keepYoungGenerationSmall } from "./serve/young-generation.ts";
import { redactSecrets } from "./text.ts";
import { outdatedNode, VERSION } from "./version.ts";

/** Loaded where they are needed: a service shall not hold what the others are made of. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  serve: async () => {
    keepYoungGenerationSmall();
    return (await import("./serve/command.ts")).addServeCommand;
  },
  get: async () => (await import("./get/command.ts")).addGetCommand,
  join: async () => (await import("./join/command.ts")).addJoinCommand,
  diagnose: async () => (await import("./diagnose/command.ts")).addDiagnoseCommand,
  forget: async () => (await import("./forget/command.ts")).addForgetCommand,
  export: async () => (await import("./export/command.ts")).addExportCommand,
  cluster: async () => (await import("./cluster/command.ts")).addClusterCommand,
  identity: async () => (await import("./identity/command.ts")).addIdentityCommand,
  snapshot: async () => (await import("./snapshot/command.ts")).addSnapshotCommand,
};

const DEFAULT_COLUMNS = 100;

/**
 * Runs one command line.
 *
 * @param argv - Without the program's own name.
 * @returns 0 when done, 1 when something failed, 2 when the command or its input was wrong. Never
 *   throws: what went wrong is one line on stderr.
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

/**
 * Makes the program. Parsing throws `CommanderError`, also for help and version, and prints no
 * error itself.
 *
 * @param commandName - The first argument. If it names a command, the program has that one alone,
 *   else all.
 * @param setExitCode - Told how the command that was run ended.
 */
export async function createProgram(
  commandName: string,
  io: CliIo,
  setExitCode: (code: ExitCode) => void,
): Promise<Command> {
  const program = new Command("talos-discovery")
    .description("Talos Linux discovery: run the service, join a cluster, see its members.")
    .version(VERSION, "--version", "print the version")
    .helpOption("-h, --help", "explain the command")
    .helpCommand("help [command]", "explain a command")
    .exitOverride()
    .configureHelp({ sortOptions: false, subcommandTerm: (command) => command.name() })
    .configureOutput({
      writeOut: io.stdout.write,
      writeErr: io.stderr.write,
      // Errors are printed once, in one line, by whoever catches them.
      outputError: () => {},
      getOutHelpWidth: () => io.stdout.columns ?? DEFAULT_COLUMNS,
      getErrHelpWidth: () => io.stderr.columns ?? DEFAULT_COLUMNS,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText(
      "after",
      examples(
        "talos-discovery cluster new --out cluster.yaml",
        "talos-discovery serve --addr 127.0.0.1:3000",
        "talos-discovery join --service http://127.0.0.1:3000 --cluster-secret-file cluster.yaml",
        "talos-discovery get members --service http://127.0.0.1:3000 --cluster-secret-file cluster.yaml",
      ) +
        "\nEvery flag can be set by the environment variable in brackets.\n" +
        "Exit codes: 0 done, 1 failed, 2 wrong command or input.",
    );

  const action = (work: CommandRun) =>
    async function (this: Command): Promise<void> {
      setExitCode(await work({ flags: new Flags(this, io.env), args: this.args, io }));
    };
  const chosen = Object.hasOwn(COMMANDS, commandName) ? [commandName] : Object.keys(COMMANDS);
  for (const name of chosen) (await COMMANDS[name]?.())?.(program, action);
  return program;
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
  const isStopped = io.signal.aborted && error === io.signal.reason;
  writeNotice(io, isStopped ? "interrupted" : redactSecrets(oneLine(error)));
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
