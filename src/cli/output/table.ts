/**
 * Tables as `talosctl` prints them: columns of text, and the rows of a table of resources.
 * @module
 */

import { printable } from "../../net/quote.ts";
import type { ResourceDefinition, ResourceEvent } from "../../resources/index.ts";
import type { Style } from "./style.ts";

const PADDING = "   ";

const EVENT_MARKS = { created: "+", updated: " ", destroyed: "-" } as const;

/**
 * Lays out rows that arrive over time. A column never gets narrower, so later rows stay in line
 * where they can.
 */
export class TableLayout {
  readonly #widths: number[] = [];

  /**
   * Lays out some rows, all as wide as the widest so far.
   *
   * @param rows - Cells without line breaks, the same number in each row.
   * @param paint - Colours a finished row; must not change its width.
   * @returns One line per row, each with its line break.
   */
  format(
    rows: readonly (readonly string[])[],
    paint: (line: string, row: number) => string = (line) => line,
  ): string {
    for (const row of rows) {
      row.forEach((cell, column) => {
        this.#widths[column] = Math.max(this.#widths[column] ?? 0, width(cell));
      });
    }
    return rows.map((row, index) => `${paint(this.#line(row), index)}\n`).join("");
  }

  #line(row: readonly string[]): string {
    return row
      .map((cell, column) =>
        column === row.length - 1
          ? cell
          : cell + " ".repeat((this.#widths[column] ?? 0) - width(cell)) + PADDING,
      )
      .join("");
  }
}

/**
 * Lays out a table under a heading, with cells made safe for a terminal.
 *
 * @param layout - For a table whose other rows follow later.
 */
export function formatTable(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  style: Pick<Style, "heading">,
  layout: TableLayout = new TableLayout(),
): string {
  const cells = rows.map((row) => row.map(printable));
  return layout.format([heading, ...cells], (line, row) =>
    row === 0 ? style.heading(line) : line,
  );
}

/** Which columns stand in front of a resource's own. */
export interface TableColumns {
  /** The column `*`: what happened. */
  readonly withEvents: boolean;
  /** NAMESPACE and TYPE. */
  readonly wide: boolean;
}

/** The titles of a kind's columns. */
export function tableHeader(
  { columns }: ResourceDefinition<never>,
  { withEvents, wide }: TableColumns,
): string[] {
  return [
    ...(withEvents ? ["*"] : []),
    ...(wide ? ["NAMESPACE", "TYPE"] : []),
    "ID",
    "VERSION",
    ...columns.map(({ title }) => title),
  ];
}

/** A resource under these titles, safe for a terminal. */
export function tableCells<Spec>(
  { columns, displayType }: ResourceDefinition<Spec>,
  { withEvents, wide }: TableColumns,
  { event, resource: { metadata, spec } }: ResourceEvent<Spec>,
): string[] {
  return [
    ...(withEvents ? [EVENT_MARKS[event]] : []),
    ...(wide ? [metadata.namespace, displayType] : []),
    metadata.id,
    String(metadata.version),
    ...columns.map(({ cell }) => {
      const value = cell(spec);
      return typeof value === "string" ? value : JSON.stringify(value);
    }),
  ].map(printable);
}

/** How a row is coloured for what happened. */
export function eventPaint(
  event: ResourceEvent<unknown>["event"],
  style: Style,
): (line: string) => string {
  if (event === "updated") return (line) => line;
  return event === "created" ? style.created : style.destroyed;
}

// Code points, as Go's tabwriter counts.
function width(cell: string): number {
  return [...cell].length;
}
