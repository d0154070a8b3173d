/**
 * Bounds on what a caller may send, and how long it may take.
 * @module
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { ENVELOPE_HEAD_BYTES, ENVELOPE_LENGTH_OFFSET } from "../../protocol/envelope.ts";

/**
 * Default of the largest request message, in bytes. The largest legal one is under 5 kB, in JSON
 * under 7 kB; up to this size a caller is told which limit it has passed. What is read costs up to
 * 0.2 ms for each kilobyte, such as fields that are empty or unknown.
 */
export const MAX_REQUEST_BYTES = 16_384;

/**
 * Default of the time to send a request, in ms: a caller that stops in the middle must not hold its
 * call forever.
 */
export const REQUEST_BODY_TIMEOUT_MS = 20_000;

/** Observes a body as it passes. */
export interface BodyObserver {
  readonly onChunk?: (chunk: Uint8Array) => void;
  readonly onTimeout?: () => void;
}

/** Passes a body on; fails with `DeadlineExceeded` if it has not ended in time. */
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

/**
 * Makes an observer that notices a message over the limit: Connect refuses it without calling us.
 *
 * @param contentType - Says whether there is a head with a length, or the body itself is the
 *   message.
 * @param onTooLarge - Called at most once.
 * @returns To be called with each chunk. Only the first message counts: no method takes a second
 *   one.
 */
export function observeBodySize(
  contentType: string,
  maxBytes: number,
  onTooLarge: () => void,
): (chunk: Uint8Array) => void {
  const hasHead = /^application\/(grpc|connect\+)/.test(contentType);
  let seen = 0;
  let declared = 0;
  let isTold = false;
  return (chunk) => {
    for (let i = 0; hasHead && i < chunk.length && seen + i < ENVELOPE_HEAD_BYTES; i++) {
      if (seen + i >= ENVELOPE_LENGTH_OFFSET) declared = declared * 256 + (chunk[i] as number);
    }
    seen += chunk.length;
    const size = hasHead ? (seen < ENVELOPE_HEAD_BYTES ? 0 : declared) : seen;
    if (isTold || size <= maxBytes) return;
    isTold = true;
    onTooLarge();
  };
}
