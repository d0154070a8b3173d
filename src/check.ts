/**
 * Checks of a caller's numbers, with one wording for all. The name is that of the option or the
 * argument, with the object that holds it: `limits.maxClusters`.
 * @module
 */

/**
 * Checks that a value is an integer in a range.
 *
 * @param min - The least that is valid.
 * @param max - The most that is valid. @default `Number.MAX_SAFE_INTEGER`
 * @returns The value.
 * @throws {RangeError} `ttlMs must be an integer from 1 to 1800000, got 0`
 */
export function checkInteger(
  name: string,
  value: number,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${name} must be an integer from ${min} to ${max}, got ${value}`);
}

/**
 * Checks that a value is a number in a range, which need not be an integer: `Infinity` is valid if
 * `max` is.
 *
 * @param min - The least that is valid.
 * @param max - The most that is valid.
 * @returns The value.
 * @throws {RangeError} `restartGraceMs must be a number from 0 to Infinity, got -1`
 */
export function checkNumber(name: string, value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value;
  throw new RangeError(`${name} must be a number from ${min} to ${max}, got ${value}`);
}

/**
 * Checks that a value is a number above 0, which need not be an integer.
 *
 * @param max - The most that is valid. @default any finite number
 * @returns The value.
 * @throws {RangeError} `intervalMs must be a number above 0 and at most 2147483647, got 0`
 */
export function checkPositive(name: string, value: number, max: number = Number.MAX_VALUE): number {
  if (value > 0 && value <= max) return value;
  const range =
    max === Number.MAX_VALUE ? "finite number above 0" : `number above 0 and at most ${max}`;
  throw new RangeError(`${name} must be a ${range}, got ${value}`);
}
