/**
 * YAML as `talosctl get -o yaml` prints it: one document per resource, four spaces.
 * @module
 */
import { stringify } from "yaml";
import type { PrinterOptions, ResourcePrinter } from "./printer.ts";

/** Formats plain data, keys in their own order, with a line break at the end. */
export function formatYaml(value: unknown): string {
  // Version 1.1 quotes `yes` and `10:20`, which older readers would take for something else; 0 never folds a line.
  return stringify(value, { indent: 4, version: "1.1", lineWidth: 0 });
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
