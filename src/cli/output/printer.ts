/**
 * How a list of resources is shown: chosen by `-o`.
 * @module
 */
import type { ResourceDefinition, ResourceEvent } from "../../resources/index.ts";
import { createJsonPrinter } from "./json.ts";
import type { Style } from "./style.ts";
import { createTablePrinter } from "./table.ts";
import { createYamlPrinter } from "./yaml.ts";

/** What `-o` takes where resources are listed. */
export const OUTPUT_FORMATS = ["table", "wide", "json", "yaml"] as const;

/** One of {@link OUTPUT_FORMATS}. */
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

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

/** Makes the printer for a format. */
export function createPrinter<Spec extends object>(
  format: OutputFormat,
  definition: ResourceDefinition<Spec>,
  options: PrinterOptions,
): ResourcePrinter<Spec> {
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
