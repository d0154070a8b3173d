/**
 * The flags of `serve`, in groups. Those that the reference service has too keep its names.
 * @module
 */
import type { Command } from "commander";
import { type FlagOption, flag, listFlag, switchFlag } from "./flags.ts";
import { LOG_FORMATS } from "./log.ts";

/** Made anew for each command: an option belongs to one. */
const createGroups = (): Readonly<Record<string, readonly FlagOption[]>> => ({
  "Listening:": [
    flag("--addr <host:port>", "where to listen; :PORT is all addresses", ":3000"),
    flag("--redirect-endpoint <host:port>", "send clients to another service"),
    flag("--shutdown-timeout <duration>", "how long calls may go on after a signal", "10s"),
  ],
  "TLS:": [
    flag("--certificate-path <file>", "PEM certificate chain, for TLS"),
    flag("--key-path <file>", "PEM key of the certificate"),
  ],
  "Clients:": [
    listFlag(
      "--trusted-proxies <cidr>",
      "proxies whose X-Real-IP and X-Forwarded-For are believed",
    ),
  ],
  "Logs:": [
    flag("--log-format <format>", LOG_FORMATS.join(", "), "text"),
    switchFlag("--debug", "log every call", false),
  ],
});

/** Flags that are no settings, and so no keys of a configuration file. */
const CONTROL_FLAGS: ReadonlySet<string> = new Set(["config", "print-config", "gc-interval"]);

/** Adds the flags to the command. */
export function addServeFlags(command: Command): void {
  for (const [heading, options] of Object.entries(createGroups())) {
    for (const option of options) command.addOption(option.helpGroup(heading));
  }
  const control = [
    flag("--config <file>", "YAML with these names as keys; flags and variables go before it"),
    switchFlag("--print-config", "print what is in force and where it comes from, and end", false),
    flag("--gc-interval <duration>", "has no effect: expiry is exact here, without a collector"),
  ];
  for (const option of control) command.addOption(option.helpGroup("Configuration:"));
}

/** Whether a flag of the command is a setting: a key of the configuration file, and printed by `--print-config`. */
export function isSetting(option: FlagOption): boolean {
  return !CONTROL_FLAGS.has(option.name());
}
