/**
 * Flags as Go's `flag` package reads them: one dash or two, and `-debug=true`. Deployments of the reference service have
 * such command lines, and `serve` takes them as they are.
 * @module
 */
import type { Command } from "commander";
import { FlagOption } from "./flags.ts";

/**
 * Rewrites the flags of one command into the usual form. A switch always gets its value, so that `=false` is as explicit as
 * `=true`: it goes before the environment and the configuration file.
 *
 * @param argv - The command's own arguments.
 * @param command - Whose long flags may come with one dash.
 * @example
 * rewriteGoFlags(["-addr=:3000", "-debug"], serve); // ["--addr=:3000", "--debug=true"]
 */
export function rewriteGoFlags(argv: readonly string[], command: Command): string[] {
  const end = argv.indexOf("--");
  const flags = end === -1 ? argv : argv.slice(0, end);
  const rest = end === -1 ? [] : argv.slice(end);
  return [...flags.map((argument) => rewriteOne(argument, command)), ...rest];
}

function rewriteOne(argument: string, command: Command): string {
  const [, name = "", value] = /^--?([a-z][a-z-]+)(?:=(.*))?$/s.exec(argument) ?? [];
  const option = command.options.find(({ long }) => long === `--${name}`);
  if (option === undefined) return argument;
  const isSwitch = option instanceof FlagOption && option.kind === "switch" && option.optional;
  const given = value ?? (isSwitch ? "true" : undefined);
  return given === undefined ? `--${name}` : `--${name}=${given}`;
}
