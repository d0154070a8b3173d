/**
 * How a list of resources is shown: chosen by `-o`.
 * @module
 */
import type { ResourceDefinition, ResourceEvent } from "../../resources/index.ts";
import { quoted } from "../text.ts";
import { createJsonPrinter } from "./json.ts";
import { createJsonPathPrinter } from "./jsonpath.ts";
import { parseJsonPathTemplate } from "./jsonpath-template.ts";
import type { Style } from "./style.ts";
import { createTablePrinter } from "./table.ts";
import { createYamlPrinter } from "./yaml.ts";

/** What `-o` takes where something is listed. */
export const OUTPUT_FORMATS = ["table", "wide", "json", "yaml"] as const;

/** One of {@link OUTPUT_FORMATS}. */
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

const JSONPATH = "jsonpath=";

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
  throw new RangeError(`${quoted(text)} is none of ${RESOURCE_FORMATS}`);
}

/** Whether a text is a format of resources, with whatever template. */
export function isResourceFormat(text: string): text is ResourceFormat {
  return OUTPUT_FORMATS.some((format) => format === text) || isJsonPath(text);
}

function isJsonPath(text: string): text is `${typeof JSONPATH}${string}` {
  return text.startsWith(JSONPATH);
}

/** Options of a printer. */
export interface PrinterOptions {
  /** Who answered. Not in tables. */
  readonly node: string;
  /** Show what happened to each resource, for `-w`. */
  readonly withEvents: boolean;
  /** @default plain */
  readonly style?: Style;
}

/** Turns resources into text, as they come. */
export interface ResourcePrinter<Spec> {
  /** @returns Whole lines, each with its line break; maybe none. */
  print(events: readonly ResourceEvent<Spec>[]): string;
}

/** Makes the printer for a format that {@link parseResourceFormat} takes. */
export function createPrinter<Spec extends object>(
  format: ResourceFormat,
  definition: ResourceDefinition<Spec>,
  options: PrinterOptions,
): ResourcePrinter<Spec> {
  if (isJsonPath(format)) return createJsonPathPrinter(format.slice(JSONPATH.length), options);
  switch (format) {
    case "json":
      return createJsonPrinter(options);
    case "yaml":
      return createYamlPrinter(options);
    case "table":
    case "wide":
      return createTablePrinter(definition, { ...options, wide: format === "wide" });
  }
}
