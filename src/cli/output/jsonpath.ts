/**
 * Resources through a template of the user's: `-o jsonpath='{.metadata.id}'`.
 * @module
 */
import { parseJsonPathTemplate } from "./jsonpath-template.ts";
import type { PrinterOptions, ResourcePrinter } from "./printer.ts";

/**
 * Makes a printer that fills `template` in for each resource, from the object that `-o json` shows of it. Each ends with a line
 * break, its own or the template's.
 *
 * @throws {RangeError} when the template is none.
 */
export function createJsonPathPrinter<Spec>(
  template: string,
  { node, withEvents }: PrinterOptions,
): ResourcePrinter<Spec> {
  const { render } = parseJsonPathTemplate(template);
  return {
    print: (events) =>
      events
        .map(({ event, resource: { metadata, spec } }) => {
          const text = render({ ...(withEvents ? { event } : {}), metadata, node, spec });
          return text.endsWith("\n") ? text : `${text}\n`;
        })
        .join(""),
  };
}
