/**
 * Hands large answers to a connection in small pieces.
 * @module
 */

/**
 * Most bytes of one write. What is written but not yet taken by the caller counts against the memory of its connection,
 * on which many callers may wait behind one proxy, each for a snapshot of megabytes.
 */
const MAX_WRITE_BYTES = 32_768;

/**
 * Cuts chunks that are too large. A reader that waits for each piece to be taken, as Connect does, holds one at a time.
 *
 * @returns Views of the chunks. `throw` and `return` go to `body` as they are.
 */
export function inSlices(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const chunks = body[Symbol.asyncIterator]();
      let rest: Uint8Array = new Uint8Array(0);

      function firstOf(bytes: Uint8Array): IteratorResult<Uint8Array, undefined> {
        rest = bytes.subarray(MAX_WRITE_BYTES);
        return { done: false, value: bytes.subarray(0, MAX_WRITE_BYTES) };
      }

      const slices: AsyncIterator<Uint8Array> = {
        async next() {
          if (rest.length > 0) return firstOf(rest);
          const chunk = await chunks.next();
          return chunk.done === true ? chunk : firstOf(chunk.value);
        },
      };
      if (chunks.throw !== undefined) slices.throw = (error) => chunks.throw?.(error) as never;
      if (chunks.return !== undefined) slices.return = () => chunks.return?.() as never;
      return slices;
    },
  };
}
