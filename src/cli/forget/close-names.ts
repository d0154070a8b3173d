/**
 * Names that somebody may have meant.
 * @module
 */
import { distance } from "fastest-levenshtein";

/** How many typing mistakes make another name. */
const MAX_MISTAKES = 2;

const MAX_NAMES = 5;

/** Longer than any name of a node: what is longer is not compared. */
const MAX_NAME_CHARACTERS = 253;

/**
 * Finds names that differ by a few characters, by upper case, or in what follows or comes before.
 *
 * @returns At most five, the closest first.
 * @example
 * closeNames("worker-01", ["worker-1", "cp-1"]); // ["worker-1"]
 */
export function closeNames(name: string, names: Iterable<string>): string[] {
  const wanted = name.toLowerCase();
  if (wanted === "" || wanted.length > MAX_NAME_CHARACTERS) return [];
  return [...new Set(names)]
    .map((candidate) => ({ candidate, mistakes: mistakesIn(wanted, candidate.toLowerCase()) }))
    .filter(({ mistakes }) => mistakes <= MAX_MISTAKES)
    .sort((a, b) => a.mistakes - b.mistakes || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, MAX_NAMES)
    .map(({ candidate }) => candidate);
}

function mistakesIn(wanted: string, candidate: string): number {
  if (candidate === "" || candidate.length > MAX_NAME_CHARACTERS) return Number.POSITIVE_INFINITY;
  if (candidate.startsWith(`${wanted}.`) || wanted.startsWith(`${candidate}.`)) return 1;
  return distance(wanted, candidate);
}
