/**
 * Resources as the tables that people know from `talosctl get`.
 * @module
 */
import type { ResourceDefinition } from "../../resources/index.ts";
import type { PrinterOptions, ResourcePrinter } from "./printer.ts";
import { PLAIN } from "./style.ts";
import { TableLayout } from "./table-layout.ts";
import { eventPaint, tableCells, tableHeader } from "./table-rows.ts";

/**
 * Makes a printer of tables. The header comes with the first call, also where there is nothing to list; with events it
 * comes with the first of them, since rows that follow later would not stand under an empty table's header.
 */
export function createTablePrinter<Spec extends object>(
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
