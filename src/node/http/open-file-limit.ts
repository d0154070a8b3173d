/**
 * How many files this process may have open: each connection is one.
 *
 * At that limit Node closes what comes in without a word to anybody, and no snapshot can be written and no certificate read
 * again. So a service stays below it, and refuses by itself.
 * @module
 */
import { readFileSync } from "node:fs";

/** @returns `undefined` where the system does not tell (other than Linux), or has no limit. */
export function openFileLimit(): number | undefined {
  try {
    return parseOpenFileLimit(readFileSync("/proc/self/limits", "latin1"));
  } catch {
    return undefined;
  }
}

/** Reads Linux's `/proc/self/limits`; the soft limit counts, which Node has raised to the hard one when it started. */
export function parseOpenFileLimit(limits: string): number | undefined {
  const soft = /^Max open files\s+(\d+)\s/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}
