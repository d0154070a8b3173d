/**
 * The texts that flags take. A parser throws a `RangeError` that says what was expected; the caller
 * names the flag.
 * @module
 */

import { MAX_DELAY_MS } from "../../async/timers.ts";
import { scanPort } from "../../net/endpoint.ts";
import { quote } from "../../net/quote.ts";
import type { ListenAddress } from "../../node/index.ts";

/** What a flag's value is: text, a whole number, a size in bytes, on or off, or several texts. */
export type FlagKind = "text" | "number" | "size" | "switch" | "list";

const DURATION_UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/**
 * Reads a duration as Go and Talos write it.
 *
 * @param text - Numbers with units, the largest first: `30m`, `1h30m`, `1.5s`, `250ms`. `0` needs
 *   no unit.
 * @returns Whole ms.
 */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join("") === text;
  const durationMs = parts.reduce(
    (sum, [, number, unit]) =>
      sum + Number(number) * DURATION_UNITS_MS[unit as keyof typeof DURATION_UNITS_MS],
    0,
  );
  if (!isWhole || !Number.isSafeInteger(Math.round(durationMs))) {
    throw new RangeError(`${quote(text)} is no duration such as 30m or 10s`);
  }
  return Math.round(durationMs);
}

/**
 * Reads a duration that something may take: above 0, and at most the 24 days that a timer can hold.
 */
export function parseTimeout(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs > 0 && durationMs <= MAX_DELAY_MS) return durationMs;
  throw new RangeError(`${quote(text)} is not above 0 and below 24 days`);
}

/** Reads a duration that may be none: 0, and at most the 24 days that a timer can hold. */
export function parseDelay(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs <= MAX_DELAY_MS) return durationMs;
  throw new RangeError(`${quote(text)} is not below 24 days`);
}

/** Makes a parser of whole numbers in decimal, `min` to `max`. */
export function integerFrom(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new RangeError(`${quote(text)} is no whole number from ${min} to ${max}`);
  };
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/**
 * Makes a parser of sizes, `min` to `max` bytes: `65536`, or with a unit as Kubernetes writes it,
 * `256Mi`, `1.5Gi`, `500M`, after which a `B` may follow.
 */
export function sizeFrom(min: number, max: number): (text: string) => number {
  return (text) => {
    const [, number, unit = ""] = /^(\d{1,15}(?:\.\d{1,3})?)(|[kKMG]|[KMG]i)B?$/.exec(text) ?? [];
    const bytes = Math.round(Number(number) * (SIZE_UNITS[unit] ?? Number.NaN));
    if (bytes >= min && bytes <= max) return bytes;
    throw new RangeError(
      `invalid size ${quote(text)}: expected ${formatSize(min)} to ${formatSize(max)}, ` +
        "for example 500MB, 256Mi or 1Gi",
    );
  };
}

/** Prints a size as {@link sizeFrom} reads it, in the unit that gives the shortest text. */
export function formatSize(bytes: number): string {
  let shortest = String(bytes);
  for (const unit of ["Gi", "Mi", "Ki", "G", "M", "k"]) {
    const text = `${bytes / (SIZE_UNITS[unit] as number)}${unit}${unit.endsWith("i") ? "" : "B"}`;
    if (bytes > 0 && !text.includes(".") && text.length < shortest.length) shortest = text;
  }
  return shortest;
}

/** Reads a TCP port that can be connected to, 1 to 65535. */
export function parsePort(text: string): number {
  const port = scanPort(text);
  if (port !== undefined) return port;
  throw new RangeError(`${quote(text)} is no port from 1 to 65535`);
}

/** Makes a parser that takes only some words. */
export function choiceOf<const Choice extends string>(
  choices: readonly Choice[],
): (text: string) => Choice {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found !== undefined) return found;
    throw new RangeError(`${quote(text)} is none of ${choices.join(", ")}`);
  };
}

/**
 * Reads where to listen.
 *
 * @param text - `:3000`, `127.0.0.1:3000`, `localhost:3000` or `[::1]:3000`.
 */
export function parseListenAddress(text: string): ListenAddress {
  const [, bracketed, host, digits] = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) {
    throw new RangeError(
      `${quote(text)} is no address such as :3000, 127.0.0.1:3000 or [::1]:3000`,
    );
  }
  const name = bracketed ?? host ?? "";
  return name === "" ? { port } : { host: name, port };
}

/**
 * Reads where to listen, or that nothing shall: `off`. An empty text, which the reference takes for
 * it, is none anyway.
 */
export function parseOptionalListenAddress(text: string): ListenAddress | undefined {
  return text === "off" ? undefined : parseListenAddress(text);
}
