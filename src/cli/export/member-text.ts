/**
 * Text that members publish: what every format makes of it before its own rules.
 *
 * Whoever has the cluster's secret publishes any text as node ID, name or operating system. Each
 * format passes every field of a member through one function of its own, which begins with this.
 * @module
 */
import { printable, quote } from "../../net/quote.ts";

/** Names that need no quotes in a notice. */
const PLAIN_NAME = /^[A-Za-z0-9._-]{1,90}$/;

/**
 * One line of valid Unicode in which nothing moves a cursor or turns the direction of text: control
 * characters become their escapes, such as `\u001b`.
 */
export function memberText(text: string): string {
  return printable(text.toWellFormed());
}

/** A member's name in a notice: quoted if it is not what people call machines. */
export function shownName(name: string): string {
  return PLAIN_NAME.test(name) ? name : quote(name);
}
