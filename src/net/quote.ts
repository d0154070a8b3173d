/**
 * How text from outside is shown: in an error, on a page, on a terminal.
 * @module
 */

/** More than the longest address and nearly all URLs, so that only other text is cut. */
const MAX_SHOWN_CHARACTERS = 90;

/** Controls, line and paragraph separators, and what turns the direction of a text. */
const CONTROL_CHARACTERS = /[\p{Cc}\p{Bidi_C}\u2028\u2029]/gu;

/**
 * Replaces control characters, so that a hostname can neither move the cursor nor start a new row.
 *
 * @example
 * printable("a\u001b[2Jb"); // "a\\u001b[2Jb"
 */
export function printable(text: string): string {
  return text.replace(CONTROL_CHARACTERS, escapeOf);
}

/** Puts text in double quotes, with control characters escaped, and cuts what is long. */
export function quote(text: string): string {
  const start = printable(JSON.stringify(text.slice(0, MAX_SHOWN_CHARACTERS)));
  return text.length > MAX_SHOWN_CHARACTERS ? `${start}…` : start;
}

const HEX: readonly string[] = /* @__PURE__ */ Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
);

/** Quotes a whole text in ASCII: it can neither start a line nor turn the order of letters. */
export function quoteAscii(text: string): string {
  // By runs and a table, in half the time: a page may quote a quarter of a megabyte.
  return JSON.stringify(text).replaceAll(/[^ -~]+/g, (run) => {
    let escaped = "";
    for (let i = 0; i < run.length; i++) {
      const unit = run.charCodeAt(i);
      escaped += `\\u${HEX[unit >> 8]}${HEX[unit & 0xff]}`;
    }
    return escaped;
  });
}

function escapeOf(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
