/**
 * How much room V8 gives to what has just been made.
 * @module
 */
import { setFlagsFromString } from "node:v8";

/**
 * Leaves the young generation at its first size of 2 MB, for a process that shall stay small. V8
 * would let it grow to 32 MB and more as soon as there is load, and keep that. Works from the call
 * on: flags of its size are read before any code runs, this one whenever it could grow.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}
