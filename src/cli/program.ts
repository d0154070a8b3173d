/**
 * The commands, and how they are parsed and explained.
 * @module
 */
import { Command } from "commander";
import type { AddCommand, CommandRun } from "./command.ts";
import { examples } from "./command.ts";
import type { ExitCode } from "./exit.ts";
import { Flags } from "./flags/flags.ts";
import type { CliIo } from "./io.ts";
import { keepYoungGenerationSmall } from "./serve/young-generation.ts";
import { VERSION } from "./version.ts";

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
 * Makes the program. Parsing throws `CommanderError`, also for help and version, and prints no error itself.
 *
 * @param commandName - The first argument. Where it names a command, the program has that one alone, else all.
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

  const action = (run: CommandRun) =>
    async function (this: Command): Promise<void> {
      setExitCode(await run({ flags: new Flags(this, io.env), args: this.args, io }));
    };
  const chosen = Object.hasOwn(COMMANDS, commandName) ? [commandName] : Object.keys(COMMANDS);
  for (const name of chosen) (await COMMANDS[name]?.())?.(program, action);
  return program;
}
