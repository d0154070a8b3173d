/**
 * What `-w` shows: on a terminal a table in place, elsewhere one line after the other.
 * @module
 */
import type { ResourceDefinition, ResourceEvent } from "../../resources/index.ts";
import { type CliIo, writeNotice } from "../io.ts";
import type { ResourceFormat } from "./formats.ts";
import { LiveTable } from "./live-table.ts";
import { createPrinter } from "./printer.ts";
import { chooseStyle } from "./style.ts";

/** Shows resources while they change. */
export interface WatchView<Spec> {
  /** Takes what `ResourceView.replace` gives. */
  show(events: readonly ResourceEvent<Spec>[]): void;
  /** Tells the user something that is no result, without damage to a table. */
  notice(text: string): void;
  /** Leaves the terminal as a shell wants it. */
  close(): void;
}

/** Options of {@link createWatchView}. */
export interface WatchViewOptions {
  /** Who answered. Not in tables. */
  readonly node: string;
  readonly io: CliIo;
}

/**
 * Makes the view for a format.
 *
 * Tables on a terminal stay in place: rows are sorted, change where they are, and those that are
 * gone stay marked for a moment. Every change is on the screen within 100 ms. When the rows do not
 * fit on the screen, lines are appended from then on, as on a dumb terminal (`TERM=dumb`), under
 * CI, and in pipes.
 */
export function createWatchView<Spec extends object>(
  format: ResourceFormat,
  definition: ResourceDefinition<Spec>,
  { node, io }: WatchViewOptions,
): WatchView<Spec> {
  const style = chooseStyle(io.stdout, io.env);
  const printer = createPrinter(format, definition, { node, withEvents: true, style });
  const { stdout } = io;
  const isTable = format === "table" || format === "wide";
  let live: LiveTable<Spec> | undefined;
  if (isTable && canRedraw(io)) {
    const size = () => ({ columns: stdout.columns ?? 0, rows: stdout.rows ?? 0 });
    const terminal = { write: (text: string) => stdout.write(text), size };
    live = new LiveTable(terminal, definition, { wide: format === "wide", style });
  }
  const stopListening = stdout.onResize?.(() => {
    if (live !== undefined && !live.resize()) appendFromNowOn(live);
  });

  function appendFromNowOn(table: LiveTable<Spec>): void {
    live = undefined;
    stdout.write(printer.print(table.remove()));
  }

  return {
    show(events) {
      if (live === undefined) stdout.write(printer.print(events));
      else if (!live.show(events)) appendFromNowOn(live);
    },
    notice(text) {
      if (live === undefined || !io.stderr.isTerminal) writeNotice(io, text);
      else live.writeAbove(() => writeNotice(io, text));
    },
    close() {
      stopListening?.();
      live?.close();
    },
  };
}

function canRedraw({ stdout, env }: CliIo): boolean {
  return stdout.isTerminal && env.TERM !== "dumb" && !env.CI;
}
