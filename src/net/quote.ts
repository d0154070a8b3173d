/**
 * How text that may be anything is shown in an error or on a page.
 * @module
 */

/** More than the longest address and nearly all URLs, so that only other text is cut. */
const MAX_SHOWN_CHARACTERS = 90;

/** Puts text in double quotes, with control characters escaped, and cuts what is long. */
export function quote(text: string): string {
  const start = JSON.stringify(text.slice(0, MAX_SHOWN_CHARACTERS));
  return text.length > MAX_SHOWN_CHARACTERS ? `${start}…` : start;
}

/** Quotes a whole text in ASCII: it can neither start a line nor turn the order of letters. */
export function quoteAscii(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
