/**
 * The commands, and how they are parsed and explained.
 * @module
 */
import { Command } from "commander";
import type { CommandRun } from "./command.ts";
import { examples } from "./command.ts";
import { addClusterCommand } from "./commands/cluster.ts";
import { addGetCommand } from "./commands/get.ts";
import { addIdentityCommand } from "./commands/identity.ts";
import { addJoinCommand } from "./commands/join.ts";
import { addServeCommand } from "./commands/serve.ts";
import { addSnapshotCommand } from "./commands/snapshot.ts";
import type { ExitCode } from "./exit.ts";
import { Flags } from "./flags.ts";
import type { CliIo } from "./io.ts";
import { VERSION } from "./version.ts";

const DEFAULT_COLUMNS = 100;

/**
 * Makes the program. Parsing throws `CommanderError`, also for help and version, and prints no error itself.
 *
 * @param setExitCode - Told how the command that was run ended.
 */
export function createProgram(io: CliIo, setExitCode: (code: ExitCode) => void): Command {
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
  addServeCommand(program, action);
  addGetCommand(program, action);
  addJoinCommand(program, action);
  addClusterCommand(program, action);
  addIdentityCommand(program, action);
  addSnapshotCommand(program, action);
  return program;
}
