/**
 * Lines on a terminal that are drawn again where they stand.
 * @module
 */

/** A line without control characters, and how it is coloured. */
export interface LiveLine {
  readonly text: string;
  /** Must not change the width. */
  readonly paint: (text: string) => string;
}

const ESC = "\u001b[";

// A terminal that knows 2026 shows nothing until the end; others take the one write as fast as they
// can. The cursor and the wrapping are put back in the same write, so that the terminal is in order
// whenever nothing is being written, also after a `kill -9`.
const BEGIN = `${ESC}?2026h${ESC}?25l${ESC}?7l`;
const END = `${ESC}?7h${ESC}?25h${ESC}?2026l`;

const CLEAR_LINE_REST = `${ESC}K`;
const CLEAR_BELOW = `${ESC}J`;
const HOME = `${ESC}H`;

/** In characters. */
export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/**
 * Knows where its lines stand: right above the cursor, which is at the start of the line after
 * them. Gives the text to write, and writes nothing itself.
 */
export class LiveLines {
  /** How many lines are on the screen. */
  #drawn = 0;
  /** Nothing else is on the screen. */
  #isAlone = false;
  #isMoved = false;

  /**
   * Draws `lines` over what was drawn before.
   *
   * Lines are cut to the width: one that wraps would be two when they are drawn over. Characters of
   * double width are counted once, but the terminal does not wrap while we draw, and cuts these
   * itself.
   */
  draw(lines: readonly LiveLine[], size: ScreenSize): string {
    const start = this.#isMoved ? this.#freshScreen(size) : this.#up();
    this.#drawn = lines.length;
    // Cleared from its start, a line is no longer taken for the rest of a wrapped one.
    const body = lines.map(
      ({ text, paint }) => `${CLEAR_LINE_REST}${paint(cut(text, size.columns))}\n`,
    );
    return `${BEGIN}${start}${body.join("")}${CLEAR_BELOW}${END}`;
  }

  /**
   * Takes the lines away; the cursor is where the first one was. After {@link move} they stay, and
   * the cursor is below them.
   */
  erase(): string {
    if (this.#drawn === 0) return "";
    const start = this.#isMoved ? "\r" : this.#up();
    this.#drawn = 0;
    this.#isMoved = false;
    this.#isAlone = false;
    return `${start}${CLEAR_BELOW}`;
  }

  /** Leaves the lines where they are, and takes what a user typed below them away. */
  leave(): string {
    this.#drawn = 0;
    return `\r${CLEAR_LINE_REST}`;
  }

  /**
   * The terminal has another size: nobody knows how it wrapped the lines, and where the cursor went
   * with them.
   */
  move(): void {
    this.#isMoved = this.#drawn > 0;
  }

  #up(): string {
    return this.#drawn === 0 ? "" : `\r${ESC}${this.#drawn}A`;
  }

  /**
   * Starts on an empty screen. What others wrote goes to where the terminal keeps lines that have
   * left it.
   */
  #freshScreen({ rows }: ScreenSize): string {
    const away = this.#isAlone ? "" : `${ESC}${rows};1H${"\n".repeat(rows)}`;
    this.#isMoved = false;
    this.#isAlone = true;
    return `${away}${HOME}${CLEAR_BELOW}`;
  }
}

function cut(text: string, columns: number): string {
  const characters = [...text];
  return characters.length <= columns ? text : `${characters.slice(0, columns - 1).join("")}…`;
}
