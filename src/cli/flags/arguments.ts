/**
 * The argument list before it is parsed: no secrets in it, and for `serve` also flags in Go's form.
 * @module
 */
import type { Command } from "commander";
import { UsageError } from "../exit.ts";
import { FlagOption } from "./flags.ts";

/**
 * Refuses a secret as an argument.
 *
 * @throws {UsageError} which does not repeat what was given.
 */
export function refuseSecretArguments(argv: readonly string[]): void {
  const end = argv.indexOf("--");
  const flags = end === -1 ? argv : argv.slice(0, end);
  if (flags.some((argument) => /^--?(cluster-?)?secret(=|$)/i.test(argument))) {
    throw new UsageError(
      "a secret is never an argument, where others can read it: use --cluster-secret-file FILE " +
        "(- for stdin) or TALOS_DISCOVERY_CLUSTER_SECRET",
    );
  }
}

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
