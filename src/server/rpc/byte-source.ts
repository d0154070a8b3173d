/**
 * Answers as bytes that are made when their reader takes them.
 * @module
 */

/** Gives bytes in order. */
export interface ByteSource {
  /** Bytes that are left. */
  readonly remaining: number;
  /**
   * The next bytes.
   *
   * @param maxBytes - At least 1.
   * @returns At most so many, and at least one if any are left. Not to be changed: they may be
   *   shared.
   */
  take(maxBytes: number): Uint8Array;
}

/** Bytes that stand ready, and are shared. */
export class WholeBytes implements ByteSource {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  take(maxBytes: number): Uint8Array {
    const bytes = this.#bytes;
    if (this.#at === 0 && bytes.length <= maxBytes) {
      this.#at = bytes.length;
      return bytes;
    }
    const piece = bytes.subarray(this.#at, this.#at + maxBytes);
    this.#at += piece.length;
    return piece;
  }
}

/** Parts between two constants. */
export interface Parts {
  readonly before: Uint8Array;
  readonly count: number;
  /** Makes a part. @returns Not changed by anybody; may be shared. */
  readonly part: (index: number) => Uint8Array;
  readonly separator: Uint8Array;
  readonly after: Uint8Array;
  /** Of everything. */
  readonly bytes: number;
}

/** Concatenates what {@link Parts} say, each part made when it is its turn. */
export class ConcatenatedParts implements ByteSource {
  readonly #sequence: Iterator<Uint8Array, undefined>;
  readonly #allocate: (bytes: number) => Uint8Array;
  #remaining: number;
  #part: Uint8Array | undefined;
  #partAt = 0;

  /** @param allocate - Makes the buffers of pieces, which are filled whole. */
  constructor(groups: readonly Parts[], allocate: (bytes: number) => Uint8Array) {
    this.#sequence = sequenceOf(groups);
    this.#remaining = groups.reduce((bytes, parts) => bytes + parts.bytes, 0);
    this.#allocate = allocate;
  }

  get remaining(): number {
    return this.#remaining;
  }

  take(maxBytes: number): Uint8Array {
    const piece = this.#allocate(Math.min(maxBytes, this.#remaining));
    let filled = 0;
    while (filled < piece.length) {
      this.#part ??= this.#nextPart();
      const part = this.#part;
      const left = part.length - this.#partAt;
      const length = Math.min(left, piece.length - filled);
      const isWhole = length === part.length;
      piece.set(isWhole ? part : part.subarray(this.#partAt, this.#partAt + length), filled);
      filled += length;
      if (length === left) this.#part = undefined;
      else this.#partAt += length;
    }
    this.#remaining -= filled;
    return piece;
  }

  #nextPart(): Uint8Array {
    this.#partAt = 0;
    const next = this.#sequence.next();
    if (next.done === true) throw new Error("an answer is shorter than its parts say");
    return next.value;
  }
}

function* sequenceOf(groups: readonly Parts[]): Generator<Uint8Array, undefined> {
  for (const { before, count, part, separator, after } of groups) {
    yield before;
    for (let i = 0; i < count; i++) {
      if (i > 0) yield separator;
      yield part(i);
    }
    yield after;
  }
  return undefined;
}
