/**
 * Text from other machines, made safe for a terminal.
 * @module
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Replaces control characters, so that a hostname can neither move the cursor nor start a new row.
 *
 * @example
 * printable("a\u001b[2Jb"); // "a\\u001b[2Jb"
 */
export function printable(text: string): string {
  return text.replace(CONTROL_CHARACTERS, escapeOf);
}

/** {@link printable} for text of several lines: breaks between them stay, and tabs. */
export function printableLines(text: string): string {
  return text
    .split(/(\r?\n|\t)/)
    .map((piece, index) => (index % 2 === 0 ? printable(piece) : piece))
    .join("");
}

/** Whether {@link printable} would change it. */
export function hasControlCharacters(text: string): boolean {
  return printable(text) !== text;
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
