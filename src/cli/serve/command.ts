/**
 * `serve`: runs the discovery service.
 * @module
 */

import type { Command } from "commander";
import { type AddCommand, examples, type Invocation } from "../command.ts";
import { EXIT_OK, type ExitCode, oneLine, UsageError } from "../exit.ts";
import { readConfigFile } from "../flags/config-file.ts";
import { parseDuration } from "../flags/flag-values.ts";
import { type Flags, flag, switchFlag } from "../flags/flags.ts";
import { type CliIo, writeNotice } from "../io.ts";
import { computedConfig } from "./memory-ceilings.ts";
import { printConfig } from "./print-config.ts";
import { runService } from "./run-service.ts";
import { readServeSettings } from "./serve-settings.ts";
import { createSettingOptions, isSetting } from "./setting-table.ts";

/** Adds `serve`. */
export const addServeCommand: AddCommand = (parent, action) => {
  const command = parent
    .command("serve")
    .description(
      "Run the discovery service: gRPC, gRPC-Web and Connect on one port. It sees sealed data only.",
    );
  addServeFlags(command);
  command
    .addHelpText(
      "after",
      examples(
        "talos-discovery serve",
        "talos-discovery serve --addr 127.0.0.1:3000 --debug",
        "talos-discovery serve --addr :443 --certificate-path tls.crt --key-path tls.key",
        "talos-discovery serve --trusted-proxies 10.0.0.0/8,fd00::/8",
        "talos-discovery serve --config serve.yaml --print-config",
      ) +
        "\nFlags may have one dash, and values after =, as in command lines of the Go service.\n" +
        "SIGINT or SIGTERM stops it in order; a second one ends it at once. SIGHUP reads files again now.",
    )
    .action(action(runServe));
};

async function runServe(invocation: Invocation): Promise<ExitCode> {
  const { io } = invocation;
  const flags = await withConfigFile(invocation.flags, io);
  const settings = readServeSettings(flags);
  if (flags.isOn("print-config")) {
    const options = flags.options().filter(isSetting);
    io.stdout.write(printConfig(flags, options, computedConfig(settings)));
    return EXIT_OK;
  }
  if (flags.parsed("gc-interval", parseDuration) !== undefined) {
    writeNotice(
      io,
      "--gc-interval has no effect: what expires is gone at once, not at an interval",
    );
  }
  return runService(settings, io);
}

/** Adds the settings, and the flags that are not settings: those are no keys of the file. */
function addServeFlags(command: Command): void {
  for (const option of createSettingOptions()) command.addOption(option);
  const control = [
    flag("--config <file>", "YAML file with these names as keys; flags and variables override it"),
    switchFlag("--print-config", "print the settings in force and their sources, and exit", false),
    flag("--gc-interval <duration>", "has no effect: entries expire exactly"),
  ];
  for (const option of control) command.addOption(option.helpGroup("Configuration:"));
}

async function withConfigFile(flags: Flags, { signal }: CliIo): Promise<Flags> {
  const path = flags.text("config");
  if (path === undefined) return flags;
  const settings = flags.options().filter(isSetting);
  const kinds = new Map(settings.map((option) => [option.name(), option.kind]));
  try {
    return flags.withFile(await readConfigFile(path, kinds, { signal }));
  } catch (error) {
    // To other commands the variable means a Talos configuration.
    if (flags.isGiven("config") || signal.aborted) throw error;
    throw new UsageError(`${flags.origin("config")}: ${oneLine(error)}`, { cause: error });
  }
}
