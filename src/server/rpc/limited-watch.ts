/**
 * A watch of a registry that ends when its caller leaves or the service stops.
 *
 * By hand instead of an async generator: a message passes here for every change and every watcher,
 * and a generator makes half a dozen promises of each.
 * @module
 */
import type { Awaitable, WatchMessage } from "../../registry/registry.ts";
import type { Caller } from "./caller.ts";

/** Options of {@link LimitedWatch}. */
export interface LimitedWatchOptions {
  /** Opens the registry's watch, which ends when the signal aborts. What it throws is a refusal. */
  readonly open: (signal: AbortSignal) => Awaitable<AsyncIterable<WatchMessage>>;
  /** Called once, after everything has been released. */
  readonly onEnd: (watch: LimitedWatch) => void;
}

type Step = IteratorResult<WatchMessage, undefined>;

/** The same for all: thousands may end at once. */
const ENDED = /* @__PURE__ */ new DOMException("the watch has ended", "AbortError");

const DONE: Step = /* @__PURE__ */ Object.freeze({ done: true, value: undefined });

/** One watch. Begins with the first `next()`, which rejects if the watch is refused. */
export class LimitedWatch implements AsyncIterator<WatchMessage, undefined> {
  readonly #caller: Caller;
  readonly #options: LimitedWatchOptions;
  readonly #end = new AbortController();
  /** Not left to the reader alone: it may have stopped reading between two messages. */
  readonly #onAbort = () => this.#leave();
  readonly #onStep = (step: Step): Step => (step.done === true ? this.#finish() : step);
  readonly #onError = (error: unknown): never => {
    this.#leave();
    throw error;
  };
  #messages: AsyncIterator<WatchMessage, undefined> | undefined;
  #isEndedByService = false;
  #hasLeft = false;

  constructor(caller: Caller, options: LimitedWatchOptions) {
    this.#caller = caller;
    this.#options = options;
  }

  next(): Promise<Step> {
    const messages = this.#messages;
    if (messages === undefined && this.#hasLeft) return Promise.resolve(DONE);
    const step = messages === undefined ? this.#begin() : messages.next();
    return step.then(this.#onStep, this.#onError);
  }

  async return(): Promise<Step> {
    this.#leave();
    await this.#messages?.return?.();
    return DONE;
  }

  /** Ends the watch without an error: the service stops. */
  end(): void {
    this.#isEndedByService = true;
    this.#leave();
  }

  /** Does not wait if the watch opens at once, so that no change in between is missed. */
  #begin(): Promise<Step> {
    const { signal } = this.#caller;
    try {
      const opened = this.#options.open(this.#end.signal);
      if (signal.aborted) this.#leave();
      else signal.addEventListener("abort", this.#onAbort, { once: true });
      return opened instanceof Promise
        ? opened.then((messages) => this.#first(messages))
        : this.#first(opened);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #first(messages: AsyncIterable<WatchMessage>): Promise<Step> {
    this.#messages = messages[Symbol.asyncIterator]();
    return this.#messages.next();
  }

  /** The registry's watch has ended. */
  #finish(): Step {
    this.#leave();
    const { signal } = this.#caller;
    if (signal.aborted && !this.#isEndedByService) throw signal.reason;
    return DONE;
  }

  #leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#caller.signal.removeEventListener("abort", this.#onAbort);
    this.#end.abort(ENDED);
    this.#options.onEnd(this);
  }
}
