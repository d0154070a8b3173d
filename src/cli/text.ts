/**
 * Texts of messages: text from outside made safe to show, and numbers and lists in words.
 * @module
 */
import { printable } from "../net/quote.ts";

const MAX_OUTSIDE_CHARACTERS = 120;

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

/** Makes text from outside one line of bounded length, safe for a terminal, without quotes. */
export function outsideText(text: string, maxCharacters: number = MAX_OUTSIDE_CHARACTERS): string {
  // Cut before the rest: it may be megabytes.
  const start = text.slice(0, 4 * maxCharacters).replaceAll(/\s+/g, " ");
  const line = printable(start).trim();
  return line.length > maxCharacters ? `${line.slice(0, maxCharacters)}…` : line;
}

/** An error's message, as {@link outsideText}. */
export function errorText(error: unknown): string {
  return outsideText(error instanceof Error ? error.message : String(error));
}

/**
 * Blanks whatever has the form of a cluster secret: base64 of 32 bytes. For texts that may repeat
 * what a user typed.
 */
export function redactSecrets(text: string): string {
  return text.replace(/(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{43}=/g, "(redacted)");
}

/** `1 member`, `2 members`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** `a, b and 3 more`: the first few, and how many others there are. */
export function shortList(names: readonly string[], maxShown: number): string {
  const more = names.length - maxShown;
  return names.slice(0, maxShown).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
