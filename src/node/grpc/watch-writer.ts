/**
 * Hands the messages of a watch to a stream, no faster than its reader takes them.
 *
 * The next message is asked for when the last one has been taken: until then changes gather in the
 * registry, where they fold into the latest state of each affiliate.
 * @module
 */
import type { WatchMessage } from "../../registry/registry.ts";
import type { AnswerEncoder } from "../../server/rpc/answer-encoder.ts";
import type { Codec } from "../../server/rpc/wire-messages.ts";
import type { PieceWriter } from "../http/piece-writer.ts";
import { ignore } from "../ignore.ts";

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
  readonly #writer: PieceWriter;
  readonly #messages: AsyncIterator<WatchMessage>;
  readonly #encoder: AnswerEncoder;
  readonly #codec: Codec;
  readonly #events: WatchWriterEvents;
  readonly #onStep = (step: IteratorResult<WatchMessage>) => this.#step(step);
  readonly #onError = (error: unknown) => {
    if (this.#onFinished === undefined) this.#events.onEnd(error);
  };
  readonly #onWritten = () => {
    if (this.#onFinished === undefined) this.next();
    else this.#onFinished();
  };
  #onFinished: (() => void) | undefined;

  /** @param writer - Of the stream, which closes it. */
  constructor(
    writer: PieceWriter,
    messages: AsyncIterable<WatchMessage>,
    encoder: AnswerEncoder,
    codec: Codec,
    events: WatchWriterEvents,
  ) {
    this.#writer = writer;
    this.#messages = messages[Symbol.asyncIterator]();
    this.#encoder = encoder;
    this.#codec = codec;
    this.#events = events;
  }

  /** Asks for the next message. */
  next(): void {
    this.#messages.next().then(this.#onStep, this.#onError);
  }

  /** Asks for no more, and calls back when the message that is being written has gone whole. */
  finish(onFinished: () => void): void {
    this.#onFinished = onFinished;
    if (!this.#writer.isWriting) onFinished();
  }

  #step(step: IteratorResult<WatchMessage>): void {
    if (this.#onFinished !== undefined) return;
    if (step.done === true) {
      this.#events.onEnd();
      return;
    }
    try {
      this.#write(step.value);
    } catch (error) {
      this.#messages.return?.().catch(ignore);
      this.#events.onEnd(error);
    }
  }

  #write(message: WatchMessage): void {
    const { messages, bytes } = this.#encoder.watch(message, this.#codec);
    this.#events.onMessages(messages);
    this.#writer.write(bytes, message.kind === "snapshot", this.#onWritten);
  }
}
