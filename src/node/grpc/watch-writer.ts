/**
 * Hands the messages of a watch to a stream, no faster than its reader takes them.
 *
 * The next message is asked for when the last one has gone: until then changes gather in the
 * registry, where they fold into the latest state of each affiliate.
 * @module
 */
import type { ServerHttp2Stream } from "node:http2";
import type { WatchMessage } from "../../registry/registry.ts";
import { MAX_WRITE_BYTES } from "../http/connection-limits.ts";
import { type Framed, watchFrame } from "./answers.ts";

/** What to tell of a watch that is being written. */
export interface WatchWriterEvents {
  /** Before messages are written. */
  readonly onMessages: (messages: number) => void;
  /**
   * Once, when all that was to be said is written. `error` is absent where the watch ended well.
   */
  readonly onEnd: (error?: unknown) => void;
}

/** Writes one watch. */
export class WatchWriter {
  readonly #stream: ServerHttp2Stream;
  readonly #messages: AsyncIterator<WatchMessage>;
  readonly #events: WatchWriterEvents;
  readonly #onStep = (step: IteratorResult<WatchMessage>) => this.#step(step);
  readonly #onError = (error: unknown) => {
    if (this.#onFinished === undefined) this.#events.onEnd(error);
  };
  /** What did not fit in, and from where on. */
  #rest: Buffer | undefined;
  #restAt = 0;
  #onFinished: (() => void) | undefined;

  constructor(
    stream: ServerHttp2Stream,
    messages: AsyncIterable<WatchMessage>,
    events: WatchWriterEvents,
  ) {
    this.#stream = stream;
    this.#messages = messages[Symbol.asyncIterator]();
    this.#events = events;
    stream.on("drain", () => this.#write());
  }

  /** Asks for the next message. */
  next(): void {
    this.#messages.next().then(this.#onStep, this.#onError);
  }

  /** Asks for no more, and calls back when the message that is being written has gone whole. */
  finish(onFinished: () => void): void {
    this.#onFinished = onFinished;
    if (this.#rest === undefined) onFinished();
  }

  #step(step: IteratorResult<WatchMessage>): void {
    if (this.#onFinished !== undefined) return;
    if (step.done === true) {
      this.#events.onEnd();
      return;
    }
    // Nobody is left to tell; whoever closed the stream ends the watch.
    if (this.#stream.destroyed || this.#stream.closed) return;
    const { bytes, messages }: Framed = watchFrame(step.value);
    this.#events.onMessages(messages);
    this.#rest = bytes;
    this.#restAt = 0;
    this.#write();
  }

  /** Writes what is left, as far as it fits, and asks for more when nothing is. */
  #write(): void {
    const bytes = this.#rest;
    if (bytes === undefined) return;
    while (this.#restAt < bytes.length) {
      const end = Math.min(this.#restAt + MAX_WRITE_BYTES, bytes.length);
      const isWhole = this.#restAt === 0 && end === bytes.length;
      const fits = this.#stream.write(isWhole ? bytes : bytes.subarray(this.#restAt, end));
      this.#restAt = end;
      if (!fits) return;
    }
    this.#rest = undefined;
    if (this.#onFinished === undefined) this.next();
    else this.#onFinished();
  }
}
