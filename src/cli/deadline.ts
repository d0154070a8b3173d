/**
 * An end to what waits for somebody else.
 * @module
 */
import { sleep } from "../async/timers.ts";
import { linkedController } from "../async/waits.ts";
import { CommandFailure } from "./exit.ts";

/** What a {@link Deadline} is made from. */
export interface DeadlineOptions {
  /** The user's: ends it too, with its own reason. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/**
 * Ends what runs under its signal: when it has taken too long, when the user wants it, and when
 * nobody needs it any more.
 */
export class Deadline implements Disposable {
  readonly signal: AbortSignal;
  readonly #controller: AbortController;
  readonly #unlink: () => void;
  readonly #lifted = new AbortController();

  constructor({ signal, timeoutMs }: DeadlineOptions) {
    const { controller, unlink } = linkedController(signal);
    this.signal = controller.signal;
    this.#controller = controller;
    this.#unlink = unlink;
    const why = new CommandFailure(`no answer within ${timeoutMs / 1000} s`);
    sleep(timeoutMs, this.#lifted.signal).then(
      () => controller.abort(why),
      () => {},
    );
  }

  /** From now on it may take as long as it likes. */
  lift(): void {
    this.#lifted.abort();
  }

  [Symbol.dispose](): void {
    this.lift();
    this.#controller.abort();
    this.#unlink();
  }
}
