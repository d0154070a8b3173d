/**
 * Numbers of things in messages, and lists of them.
 * @module
 */

/** `1 member`, `2 members`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** `a, b and 3 more`: the first few, and how many others there are. */
export function shortList(names: readonly string[], maxShown: number): string {
  const more = names.length - maxShown;
  return names.slice(0, maxShown).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
