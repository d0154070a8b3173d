/**
 * The life of what runs until it is aborted, and may be disposed of for good.
 * @module
 */
import { linkedController } from "./waits.ts";

/**
 * Runs calls of an object under a signal that aborts with the caller's own, and when the object is
 * disposed of.
 */
export class Lifecycle {
  readonly #subject: string;
  readonly #disposal: AbortController = new AbortController();
  #running: Promise<void> | undefined;

  /** @param subject - What lives, for errors: `this client`. */
  constructor(subject: string) {
    this.#subject = subject;
  }

  /**
   * Runs `work` to its end, and no second one beside it.
   *
   * @throws {TypeError} while one is running already, or after disposal.
   */
  async run(
    signal: AbortSignal | undefined,
    work: (own: AbortSignal) => Promise<void>,
  ): Promise<void> {
    if (this.#running !== undefined) {
      throw new TypeError(`run: ${this.#subject} is running already`);
    }
    if (this.#disposal.signal.aborted) throw new TypeError(`run: ${this.#subject} is disposed`);
    this.#running = this.during(signal, work);
    try {
      await this.#running;
    } finally {
      this.#running = undefined;
    }
  }

  /** `work`, with a signal that aborts with `signal` and at disposal. */
  async during<T>(
    signal: AbortSignal | undefined,
    work: (own: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { controller, unlink } = linkedController(signal, this.#disposal.signal);
    try {
      return await work(controller.signal);
    } finally {
      unlink();
    }
  }

  /** As {@link during}, for what is read one by one. */
  async *each<T>(
    signal: AbortSignal | undefined,
    read: (own: AbortSignal) => AsyncIterable<T>,
  ): AsyncGenerator<T, void, undefined> {
    const { controller, unlink } = linkedController(signal, this.#disposal.signal);
    try {
      yield* read(controller.signal);
    } finally {
      unlink();
    }
  }

  /** Ends all that goes on, and waits for `run` to end. */
  async dispose(): Promise<void> {
    this.#disposal.abort(new DOMException(`${this.#subject} is disposed`, "AbortError"));
    await this.#running;
  }
}
