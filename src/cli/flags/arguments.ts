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
  if (
    splitArguments(argv).flags.some((argument) => /^--?(cluster-?)?secret(=|$)/i.test(argument))
  ) {
    throw new UsageError(
      "a secret is never an argument, where others can read it: use --cluster-secret-file FILE " +
        "(- for stdin) or TALOS_DISCOVERY_CLUSTER_SECRET",
    );
  }
}

/**
 * Rewrites the flags of one command into the usual form. A switch always gets its value, so that
 * `=false` is as explicit as `=true`: it goes before the environment and the configuration file.
 *
 * @param argv - The command's own arguments.
 * @param command - Whose long flags may come with one dash.
 * @example
 * rewriteGoFlags(["-addr=:3000", "-debug"], serve); // ["--addr=:3000", "--debug=true"]
 */
export function rewriteGoFlags(argv: readonly string[], command: Command): string[] {
  const { flags, rest } = splitArguments(argv);
  return [...flags.map((argument) => rewriteOne(argument, command)), ...rest];
}

/** Splits off what follows `--`, which is no flag whatever it looks like. */
function splitArguments(argv: readonly string[]): {
  readonly flags: readonly string[];
  readonly rest: readonly string[];
} {
  const end = argv.indexOf("--");
  return end === -1
    ? { flags: argv, rest: [] }
    : { flags: argv.slice(0, end), rest: argv.slice(end) };
}

function rewriteOne(argument: string, command: Command): string {
  const [, name = "", value] = /^--?([a-z][a-z-]+)(?:=(.*))?$/s.exec(argument) ?? [];
  const option = command.options.find(({ long }) => long === `--${name}`);
  if (option === undefined) return argument;
  const isSwitch = option instanceof FlagOption && option.kind === "switch" && option.optional;
  const given = value ?? (isSwitch ? "true" : undefined);
  return given === undefined ? `--${name}` : `--${name}=${given}`;
}
