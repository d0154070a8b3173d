/**
 * Names that may stand in a hosts file.
 * @see RFC 1123, section 2.1
 * @module
 */

const MAX_NAME_CHARACTERS = 253;

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** What a machine calls itself. Another one by that name would take its place. */
const OWN_NAMES = /^(?:(?:.+\.)?localhost|localhost\.localdomain|ip6-(?:localhost|loopback))$/;

/**
 * The one form of a host name: lower case, without the dot at the end.
 *
 * @returns `undefined` for what is no host name, what a resolver would take for an address, and names of every machine's own.
 */
export function canonicalHostName(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, "");
  const labels = name.split(".");
  const isName = name.length <= MAX_NAME_CHARACTERS && labels.every((label) => LABEL.test(label));
  // A last label of digits makes an IPv4 address of some kind: 10.1 is 10.0.0.1.
  const isNumeric = /^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? "");
  return isName && !isNumeric && !OWN_NAMES.test(name) ? name : undefined;
}
