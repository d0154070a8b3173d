/**
 * JSON as `talosctl get -o json` prints it: one object per resource, four spaces, keys sorted.
 * @module
 */
import { printableLines } from "../text.ts";
import type { PrinterOptions, ResourcePrinter } from "./printer.ts";

const INDENT = 4;

/** Formats plain data, keys sorted at every level, with a line break at the end, and nothing for a terminal to obey. */
export function formatJson(value: unknown): string {
  // An escape means the same to who reads JSON.
  return `${printableLines(JSON.stringify(value, sortKeys, INDENT))}\n`;
}

/** Makes a printer of one object per resource, not an array, so that a watch can be read as it goes on. */
export function createJsonPrinter<Spec>({
  node,
  withEvents,
}: PrinterOptions): ResourcePrinter<Spec> {
  return {
    print: (events) =>
      events
        .map(({ event, resource: { metadata, spec } }) =>
          formatJson({ ...(withEvents ? { event } : {}), metadata, node, spec }),
        )
        .join(""),
  };
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
