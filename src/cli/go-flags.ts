/**
 * Flags as Go's `flag` package reads them: one dash or two, and `-debug=true`. Deployments of the reference service have
 * such command lines, and `serve` takes them as they are.
 * @module
 */
import type { Command } from "commander";

/**
 * Rewrites the flags of one command into the usual form.
 *
 * @param argv - The command's own arguments.
 * @param command - Whose long flags may come with one dash.
 * @example
 * rewriteGoFlags(["-addr=:3000", "-debug=false"], serve); // ["--addr=:3000"]
 */
export function rewriteGoFlags(argv: readonly string[], command: Command): string[] {
  const end = argv.indexOf("--");
  const flags = end === -1 ? argv : argv.slice(0, end);
  const rest = end === -1 ? [] : argv.slice(end);
  return [...flags.flatMap((argument) => rewriteOne(argument, command)), ...rest];
}

function rewriteOne(argument: string, command: Command): string[] {
  const [, name = "", value] = /^--?([a-z][a-z-]+)(?:=(.*))?$/s.exec(argument) ?? [];
  const option = command.options.find(({ long }) => long === `--${name}`);
  if (option === undefined) return [argument];
  if (!option.isBoolean() || value === undefined) {
    return [value === undefined ? `--${name}` : `--${name}=${value}`];
  }
  if (/^(1|t|true)$/i.test(value)) return [`--${name}`];
  return /^(0|f|false)$/i.test(value) ? [] : [argument];
}
