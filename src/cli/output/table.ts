/**
 * Resources as the tables that people know from `talosctl get`.
 * @module
 */
import type { ResourceDefinition, ResourceEvent } from "../../resources/index.ts";
import { printable } from "./printable.ts";
import type { PrinterOptions, ResourcePrinter } from "./printer.ts";
import { PLAIN } from "./style.ts";
import { TableLayout } from "./table-layout.ts";

const EVENT_MARKS = { created: "+", updated: " ", destroyed: "-" } as const;

/**
 * Makes a printer of tables. The header comes with the first call, also where there is nothing to list; with events it
 * comes with the first of them, since rows that follow later would not stand under an empty table's header.
 */
export function createTablePrinter<Spec extends object>(
  definition: ResourceDefinition<Spec>,
  { wide, withEvents, style = PLAIN }: PrinterOptions & { readonly wide: boolean },
): ResourcePrinter<Spec> {
  const layout = new TableLayout();
  let isStarted = false;

  const header = [
    ...(withEvents ? ["*"] : []),
    ...(wide ? ["NAMESPACE", "TYPE"] : []),
    "ID",
    "VERSION",
    ...definition.columns.map(({ title }) => title),
  ];

  function cells({ event, resource: { metadata, spec } }: ResourceEvent<Spec>): string[] {
    return [
      ...(withEvents ? [EVENT_MARKS[event]] : []),
      ...(wide ? [metadata.namespace, definition.displayType] : []),
      metadata.id,
      String(metadata.version),
      ...definition.columns.map(({ cell }) => {
        const value = cell(spec);
        return typeof value === "string" ? value : JSON.stringify(value);
      }),
    ].map(printable);
  }

  return {
    print(events) {
      if (withEvents && events.length === 0) return "";
      const rows = events.map(cells);
      const marks = events.map(({ event }) => event);
      if (isStarted) return layout.format(rows, (line, row) => paintRow(line, marks[row]));
      isStarted = true;
      return layout.format([header, ...rows], (line, row) =>
        row === 0 ? style.heading(line) : paintRow(line, marks[row - 1]),
      );
    },
  };

  function paintRow(line: string, event: ResourceEvent<Spec>["event"] | undefined): string {
    if (!withEvents) return line;
    if (event === "created") return style.created(line);
    return event === "destroyed" ? style.destroyed(line) : line;
  }
}
