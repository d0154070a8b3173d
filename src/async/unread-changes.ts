/**
 * What somebody who follows a collection has yet to hear of.
 * @module
 */

/**
 * The changes of a collection that one reader has not taken yet: what changed, and what it was when this reader last heard.
 *
 * Not a queue: its memory is bounded by the collection, however slow the reader is, which is told the latest state of each.
 */
export class UnreadChanges<T> {
  /** In the order of the first change; `undefined` for what the reader does not know. */
  readonly #before = new Map<string, T | undefined>();

  /**
   * @param before - What it was; `undefined` for nothing.
   * @param after - What it is now; `undefined` for nothing.
   */
  mark(id: string, before: T | undefined, after: T | undefined): void {
    if (!this.#before.has(id)) this.#before.set(id, before);
    // Came and went unseen: nothing to tell, and nothing to hold.
    else if (after === undefined && this.#before.get(id) === undefined) this.#before.delete(id);
  }

  /** One by one, the first change first; each is taken when it comes. What is gone now was known before. */
  *take(): Generator<readonly [id: string, before: T | undefined], void, undefined> {
    for (const change of this.#before) {
      this.#before.delete(change[0]);
      yield change;
    }
  }
}
