/**
 * A table of resources that stays where it is on a terminal while they change.
 * @module
 */
import type { ResourceDefinition, ResourceEvent } from "../../resources/index.ts";
import { type LiveLine, LiveLines, type ScreenSize } from "./live-lines.ts";
import type { Style } from "./style.ts";
import { eventPaint, type TableColumns, TableLayout, tableCells, tableHeader } from "./table.ts";

/**
 * Between two drawings: less than the 100 ms after which a change seems late, more than a terminal
 * needs for one.
 */
export const REDRAW_INTERVAL_MS = 50;

/** How long a row says what happened to it. What is gone stays as long. */
export const MARK_MS = 2000;

/** Where a live table stands. */
export interface LiveTerminal {
  readonly write: (text: string) => void;
  /** As it is now. */
  readonly size: () => ScreenSize;
}

interface Row<Spec> {
  readonly event: ResourceEvent<Spec>;
  /** When what happened has been seen long enough. */
  readonly markedUntil: number;
}

/** Follows events, and draws at most every {@link REDRAW_INTERVAL_MS}, each time in one write. */
export class LiveTable<Spec> {
  readonly #terminal: LiveTerminal;
  readonly #definition: ResourceDefinition<Spec>;
  readonly #columns: TableColumns;
  readonly #style: Style;
  readonly #layout = new TableLayout();
  readonly #lines = new LiveLines();
  readonly #rows = new Map<string, Row<Spec>>();
  #drawnAt = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    terminal: LiveTerminal,
    definition: ResourceDefinition<Spec>,
    { wide, style }: { readonly wide: boolean; readonly style: Style },
  ) {
    this.#terminal = terminal;
    this.#definition = definition;
    this.#columns = { withEvents: true, wide };
    this.#style = style;
  }

  /**
   * Takes events in, and draws them now or soon.
   *
   * @returns False, and nothing is drawn, where the rows do not fit on the screen.
   */
  show(events: readonly ResourceEvent<Spec>[]): boolean {
    const markedUntil = performance.now() + MARK_MS;
    for (const event of events) {
      this.#rows.set(event.resource.metadata.id, { event, markedUntil });
    }
    return events.length === 0 || this.#drawAt(this.#drawnAt + REDRAW_INTERVAL_MS);
  }

  /** Draws again, for a terminal of another size. @returns As {@link show} does. */
  resize(): boolean {
    this.#lines.move();
    return this.#rows.size === 0 || this.#drawAt(0);
  }

  /** Lets something be written above the table. */
  writeAbove(write: () => void): void {
    this.#terminal.write(this.#lines.erase());
    write();
    if (this.#rows.size > 0) this.#drawAt(0);
  }

  /** Takes the table off the screen. @returns The last event of each row, sorted by ID. */
  remove(): ResourceEvent<Spec>[] {
    clearTimeout(this.#timer);
    this.#terminal.write(this.#lines.erase());
    return this.#sortedRows().map(({ event }) => event);
  }

  /** Leaves the table on the screen with all that was shown, and the cursor below it. */
  close(): void {
    if (this.#timer !== undefined && this.#fits()) this.#draw();
    clearTimeout(this.#timer);
    this.#terminal.write(this.#lines.leave());
  }

  #drawAt(time: number): boolean {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#fits()) return false;
    const delayMs = time - performance.now();
    if (delayMs > 0) this.#timer = setTimeout(() => this.#draw(), delayMs);
    else this.#draw();
    return true;
  }

  /** The header, the rows, and the cursor's line. What is gone makes room for what is there. */
  #fits(): boolean {
    this.#forgetSeen();
    const { columns, rows } = this.#terminal.size();
    for (const [id, { event }] of this.#rows) {
      if (this.#rows.size + 2 <= rows) break;
      if (event.event === "destroyed") this.#rows.delete(id);
    }
    return columns > 0 && this.#rows.size + 2 <= rows;
  }

  #draw(): void {
    this.#forgetSeen();
    this.#drawnAt = performance.now();
    const rows = this.#sortedRows();
    const cells = rows.map(({ event }) => tableCells(this.#definition, this.#columns, event));
    const text = this.#layout.format([tableHeader(this.#definition, this.#columns), ...cells]);
    const lines = text
      .split("\n")
      .slice(0, -1)
      .map((text, index): LiveLine => {
        const row = rows[index - 1];
        const paint =
          row === undefined ? this.#style.heading : eventPaint(row.event.event, this.#style);
        return { text, paint };
      });
    this.#terminal.write(this.#lines.draw(lines, this.#terminal.size()));
    const marked = rows.filter(({ event }) => event.event !== "updated");
    const next = Math.min(...marked.map(({ markedUntil }) => markedUntil));
    clearTimeout(this.#timer);
    this.#timer =
      marked.length === 0 ? undefined : setTimeout(() => this.#draw(), next - this.#drawnAt);
  }

  /** Marks go when they have been seen, and with them what is gone. */
  #forgetSeen(): void {
    const now = performance.now();
    for (const [id, { event, markedUntil }] of this.#rows) {
      if (markedUntil > now || event.event === "updated") continue;
      if (event.event === "destroyed") this.#rows.delete(id);
      else this.#rows.set(id, { event: { ...event, event: "updated" }, markedUntil });
    }
  }

  #sortedRows(): Row<Spec>[] {
    return [...this.#rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  }
}
