/**
 * Bounds on what a caller may send, and how long it may take.
 * @module
 */
import { Code, ConnectError } from "@connectrpc/connect";

/**
 * Largest request message, in bytes, unless told otherwise. The largest legal one is under 5 kB, in JSON under 7 kB; the rest is room to be told
 * which limit was passed.
 */
export const MAX_REQUEST_BYTES = 65_536;

/** How long a caller may take to send its request: a caller that stops in the middle would hold its call for ever. */
export const REQUEST_BODY_TIMEOUT_MS = 20_000;

/** Told of what passes. */
export interface BodyObserver {
  readonly onChunk?: (chunk: Uint8Array) => void;
  readonly onTimeout?: () => void;
}

/**
 * Passes a body on, and fails with `DeadlineExceeded` when it has not ended in time.
 */
export async function* withBodyTimeout(
  body: AsyncIterable<Uint8Array>,
  timeoutMs: number,
  observer: BodyObserver = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  let onTimeout: (() => void) | undefined;
  const late = new Promise<"late">((resolve) => {
    onTimeout = () => resolve("late");
  });
  const timer = setTimeout(() => onTimeout?.(), timeoutMs);
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([chunks.next(), late]);
      if (next === "late") {
        observer.onTimeout?.();
        const text = `the request was not received within ${timeoutMs} ms`;
        throw new ConnectError(text, Code.DeadlineExceeded);
      }
      if (next.done === true) return;
      observer.onChunk?.(next.value);
      yield next.value;
    }
  } finally {
    clearTimeout(timer);
  }
}
