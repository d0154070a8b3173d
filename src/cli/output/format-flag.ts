/**
 * The flag `-o` of commands whose result is no list of resources.
 * @module
 */
import { choiceOf } from "../flags/flag-values.ts";
import { type FlagOption, type Flags, flag } from "../flags/flags.ts";
import { isResourceFormat } from "./printer.ts";

/** Makes the flag; the first format is the default. */
export function formatFlag(formats: readonly [string, ...string[]]): FlagOption {
  return flag("-o, --output <format>", formats.join(", "), formats[0]);
}

/**
 * Reads the flag. In the environment it is meant for all commands: one that does not have that format takes its default.
 *
 * @throws {UsageError} for what is no format.
 */
export function readFormat<const Format extends string>(
  flags: Flags,
  formats: readonly [Format, ...Format[]],
): Format {
  const isOurs = formats.some((format) => format === flags.text("output"));
  if (!isOurs && !flags.isGiven("output") && isResourceFormat(flags.requiredText("output"))) {
    return formats[0];
  }
  return flags.requiredParsed("output", choiceOf(formats));
}
