/**
 * JSON and YAML as `talosctl get -o` prints them: indented by four spaces.
 * @module
 */
import { Document, visit } from "yaml";
import { hasControlCharacters, printableLines } from "../text.ts";

const INDENT = 4;

/** Formats plain data as one document, for commands with `-o json` and `-o yaml`. */
export function formatDocument(value: unknown, format: "json" | "yaml"): string {
  return format === "json" ? formatJson(value) : formatYaml(value);
}

/**
 * Formats plain data as JSON, keys sorted at every level, with a line break at the end. Control
 * characters are escaped.
 */
export function formatJson(value: unknown): string {
  // An escape means the same to who reads JSON.
  return `${printableLines(JSON.stringify(value, sortKeys, INDENT))}\n`;
}

/**
 * Formats plain data as YAML, keys in their own order, with a line break at the end. Control
 * characters are escaped.
 */
export function formatYaml(value: unknown): string {
  // Version 1.1 quotes `yes` and `10:20`, which older readers would take for something else.
  const document = new Document(value, { version: "1.1" });
  visit(document, {
    Scalar(_, scalar) {
      const { value: text } = scalar;
      if (typeof text === "string" && hasControlCharacters(text)) scalar.type = "QUOTE_DOUBLE";
    },
  });
  // An escape in double quotes means the same to who reads YAML. A width of 0 never folds a line.
  return printableLines(document.toString({ indent: INDENT, lineWidth: 0 }));
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
