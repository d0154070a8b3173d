/**
 * Prints a list of resources in a format.
 * @module
 */
import type { ResourceDefinition, ResourceEvent } from "../../resources/index.ts";
import { formatJson, formatYaml } from "./documents.ts";
import { isJsonPath, JSONPATH, type ResourceFormat } from "./formats.ts";
import { parseJsonPathTemplate } from "./jsonpath-template.ts";
import { PLAIN, type Style } from "./style.ts";
import { eventPaint, TableLayout, tableCells, tableHeader } from "./table.ts";

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

/** Makes the printer for a format that `parseResourceFormat` takes. */
export function createPrinter<Spec extends object>(
  format: ResourceFormat,
  definition: ResourceDefinition<Spec>,
  options: PrinterOptions,
): ResourcePrinter<Spec> {
  if (isJsonPath(format)) return createJsonPathPrinter(format.slice(JSONPATH.length), options);
  switch (format) {
    case "json":
      // One object per resource, not an array, so that a watch can be read as it goes on.
      return createPrinterOfEach(options, formatJson);
    case "yaml":
      return createYamlPrinter(options);
    case "table":
    case "wide":
      return createTablePrinter(definition, { ...options, wide: format === "wide" });
  }
}

/** A resource as `-o json` shows it. */
interface ShownResource {
  readonly event?: ResourceEvent<unknown>["event"];
  readonly metadata: object;
  readonly node: string;
  readonly spec: object;
}

function createPrinterOfEach<Spec extends object>(
  { node, withEvents }: PrinterOptions,
  format: (shown: ShownResource) => string,
): ResourcePrinter<Spec> {
  return {
    print: (events) =>
      events
        .map(({ event, resource: { metadata, spec } }) =>
          format({ ...(withEvents ? { event } : {}), metadata, node, spec }),
        )
        .join(""),
  };
}

/** Documents with `---` between them. */
function createYamlPrinter<Spec extends object>(options: PrinterOptions): ResourcePrinter<Spec> {
  let isStarted = false;
  return createPrinterOfEach(options, ({ node, ...rest }) => {
    const dashes = isStarted ? "---\n" : "";
    isStarted = true;
    return dashes + formatYaml({ node, ...rest });
  });
}

/** Fills the template in for each. A text ends with a line break, its own or the template's. */
function createJsonPathPrinter<Spec extends object>(
  template: string,
  options: PrinterOptions,
): ResourcePrinter<Spec> {
  const { render } = parseJsonPathTemplate(template);
  return createPrinterOfEach(options, (shown) => {
    const text = render(shown);
    return text.endsWith("\n") ? text : `${text}\n`;
  });
}

/**
 * Tables as people know them from `talosctl get`. The header comes with the first call, also if
 * there is nothing to list; with events it comes with the first of them, since rows that follow
 * later would not stand under an empty table's header.
 */
function createTablePrinter<Spec extends object>(
  definition: ResourceDefinition<Spec>,
  { wide, withEvents, style = PLAIN }: PrinterOptions & { readonly wide: boolean },
): ResourcePrinter<Spec> {
  const layout = new TableLayout();
  const columns = { withEvents, wide };
  let isStarted = false;

  return {
    print(events) {
      if (withEvents && events.length === 0) return "";
      const header = isStarted ? [] : [tableHeader(definition, columns)];
      isStarted = true;
      const rows = events.map((event) => tableCells(definition, columns, event));
      return layout.format([...header, ...rows], (line, index) => {
        const event = events[index - header.length];
        if (event === undefined) return style.heading(line);
        return withEvents ? eventPaint(event.event, style)(line) : line;
      });
    },
  };
}
