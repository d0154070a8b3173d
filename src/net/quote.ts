/**
 * How text that does not parse is shown in an error.
 * @module
 */

/** More than the longest address, so that only what is none of them is cut. */
const MAX_SHOWN_CHARACTERS = 64;

/** Puts text in double quotes, control characters escaped, and cuts what is long. */
export function quote(text: string): string {
  return text.length <= MAX_SHOWN_CHARACTERS
    ? JSON.stringify(text)
    : `${JSON.stringify(text.slice(0, MAX_SHOWN_CHARACTERS))}…`;
}
