/**
 * Columns of text, laid out as `talosctl` does: padded by three spaces, the last one not padded.
 * @module
 */
import type { Style } from "./style.ts";

const PADDING = "   ";

/** Lays out rows that arrive over time. A column never gets narrower, so later rows stay in line where they can. */
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

/** Lays out a table that is complete, under a heading. @param rows - Cells safe for a terminal. */
export function formatTable(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  style: Pick<Style, "heading">,
): string {
  return new TableLayout().format([heading, ...rows], (line, row) =>
    row === 0 ? style.heading(line) : line,
  );
}

// Code points, as Go's tabwriter counts.
function width(cell: string): number {
  return [...cell].length;
}
