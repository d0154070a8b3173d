/**
 * The slow twin of `PrefixSet`: every address by itself, over a space small enough to count.
 * @module
 */
import type { Prefix } from "../../../src/net/prefix.ts";

/** Addresses whose low byte alone differs: 256 of them. */
export class NaivePrefixSet {
  readonly #bits = new Array<boolean>(256).fill(false);

  add(prefix: Prefix): void {
    this.#set(prefix, true);
  }

  remove(prefix: Prefix): void {
    this.#set(prefix, false);
  }

  without(other: NaivePrefixSet): NaivePrefixSet {
    const rest = new NaivePrefixSet();
    for (const [i, is] of this.#bits.entries()) rest.#bits[i] = is && other.#bits[i] !== true;
    return rest;
  }

  addAll(other: NaivePrefixSet): void {
    for (const [i, is] of other.#bits.entries()) if (is) this.#bits[i] = true;
  }

  /** `[start, bits]` of the last byte: the largest block that is wholly in the set and in no larger one, from the lowest on. */
  blocks(): [start: number, bits: number][] {
    const found: [number, number][] = [];
    let at = 0;
    while (at < 256) {
      const size = [256, 128, 64, 32, 16, 8, 4, 2, 1].find(
        (size) => at % size === 0 && this.#bits.slice(at, at + size).every((is) => is),
      );
      if (size !== undefined) found.push([at, 8 - Math.log2(size)]);
      at += size ?? 1;
    }
    return found;
  }

  #set({ ip, bits }: Prefix, value: boolean): void {
    const size = 2 ** (ip.length * 8 - bits);
    const start = Math.floor((ip.at(-1) ?? 0) / size) * size;
    this.#bits.fill(value, start, start + size);
  }
}
