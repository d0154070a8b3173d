/**
 * Numbers of things in messages.
 * @module
 */

/** `1 member`, `2 members`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
