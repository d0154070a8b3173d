/**
 * What `-o` takes: formats of resources, and the flag of commands whose result is no list of them.
 * @module
 */

import { quote } from "../../net/quote.ts";
import { choiceOf } from "../flags/flag-values.ts";
import { type FlagOption, type Flags, flag } from "../flags/flags.ts";
import { parseJsonPathTemplate } from "./jsonpath-template.ts";

/** What `-o` takes where something is listed. */
export const OUTPUT_FORMATS = ["table", "wide", "json", "yaml"] as const;

/** One of {@link OUTPUT_FORMATS}. */
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** What stands before a template. */
export const JSONPATH = "jsonpath=";

/** What `-o` takes where resources are listed, for a command's help. */
export const RESOURCE_FORMATS: string = [...OUTPUT_FORMATS, `${JSONPATH}TEMPLATE`].join(", ");

/** A format of resources: {@link OUTPUT_FORMATS}, or a template. */
export type ResourceFormat = OutputFormat | `${typeof JSONPATH}${string}`;

/**
 * Reads what `-o` was given where resources are listed.
 *
 * @throws {RangeError} when it is no format, or its template is none.
 */
export function parseResourceFormat(text: string): ResourceFormat {
  const known = OUTPUT_FORMATS.find((format) => format === text);
  if (known !== undefined) return known;
  if (isJsonPath(text)) {
    parseJsonPathTemplate(text.slice(JSONPATH.length));
    return text;
  }
  throw new RangeError(`${quote(text)} is none of ${RESOURCE_FORMATS}`);
}

/** Makes the flag; the first format is the default. */
export function formatFlag(formats: readonly [string, ...string[]]): FlagOption {
  return flag("-o, --output <format>", formats.join(", "), formats[0]);
}

/**
 * Reads the flag. In the environment it is meant for all commands: one that does not have that
 * format takes its default.
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

/** Whether a format is a template. */
export function isJsonPath(text: string): text is `${typeof JSONPATH}${string}` {
  return text.startsWith(JSONPATH);
}

function isResourceFormat(text: string): boolean {
  return OUTPUT_FORMATS.some((format) => format === text) || isJsonPath(text);
}
