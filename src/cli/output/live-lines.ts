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

// A terminal that knows 2026 shows nothing until the end; others take the one write as fast as they can. The cursor and the wrapping
// are put back in the same write, so that the terminal is in order whenever nothing is being written, also after a `kill -9`.
const BEGIN = `${ESC}?2026h${ESC}?25l${ESC}?7l`;
const END = `${ESC}?7h${ESC}?25h${ESC}?2026l`;

const CLEAR_LINE_REST = `${ESC}K`;
const CLEAR_BELOW = `${ESC}J`;

/**
 * Knows where its lines stand: right above the cursor, which is at the start of the line after them. Gives the text to write, and
 * writes nothing itself.
 */
export class LiveLines {
  /** Widths of the lines on the screen. */
  #drawn: readonly number[] = [];

  /**
   * Draws `lines` over what was drawn before.
   *
   * @param columns - Width of the terminal. Lines are cut to it: one that wraps would be two when they are drawn over. Characters of
   * double width are counted once, but the terminal does not wrap while we draw, and cuts these itself.
   */
  draw(lines: readonly LiveLine[], columns: number): string {
    const up = this.#up(columns);
    const texts = lines.map(({ text }) => cut(text, columns));
    this.#drawn = texts.map((text) => [...text].length);
    // Cleared from its start, a line is no longer taken for the rest of a wrapped one.
    const body = texts.map((text, index) => `${CLEAR_LINE_REST}${lines[index]?.paint(text)}\n`);
    return `${BEGIN}${up}${body.join("")}${CLEAR_BELOW}${END}`;
  }

  /** Takes the lines away; the cursor is where the first one was. */
  erase(columns: number): string {
    if (this.#drawn.length === 0) return "";
    const up = this.#up(columns);
    this.#drawn = [];
    return `${up}${CLEAR_BELOW}`;
  }

  /** Leaves the lines where they are, and what a user typed below them away. */
  leave(): string {
    this.#drawn = [];
    return `\r${CLEAR_LINE_REST}`;
  }

  /** To the start of the first line. A terminal that was made narrower has wrapped lines since. */
  #up(columns: number): string {
    const rows = this.#drawn.reduce(
      (sum, width) => sum + Math.max(1, Math.ceil(width / columns)),
      0,
    );
    return rows === 0 ? "\r" : `\r${ESC}${rows}A`;
  }
}

function cut(text: string, columns: number): string {
  const characters = [...text];
  return characters.length <= columns ? text : `${characters.slice(0, columns - 1).join("")}…`;
}
