/**
 * YAML as `talosctl get -o yaml` prints it: one document per resource, four spaces.
 * @module
 */
import { Document, visit } from "yaml";
import { hasControlCharacters, printableLines } from "../text.ts";
import type { PrinterOptions, ResourcePrinter } from "./printer.ts";

/** Formats plain data, keys in their own order, with a line break at the end, and nothing for a terminal to obey. */
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
  return printableLines(document.toString({ indent: 4, lineWidth: 0 }));
}

/** Makes a printer of documents with `---` between them. */
export function createYamlPrinter<Spec>({
  node,
  withEvents,
}: PrinterOptions): ResourcePrinter<Spec> {
  let isStarted = false;
  return {
    print: (events) =>
      events
        .map(({ event, resource: { metadata, spec } }) => {
          const dashes = isStarted ? "---\n" : "";
          isStarted = true;
          return dashes + formatYaml({ node, ...(withEvents ? { event } : {}), metadata, spec });
        })
        .join(""),
  };
}
