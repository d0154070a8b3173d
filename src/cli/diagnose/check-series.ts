/**
 * Runs checks one after the other, as long as there is something to go on with.
 * @module
 */
import { linkedController } from "../../live/waiting.ts";
import type { CheckName, CheckReport, DiagnoseOptions, Finding, Outcome } from "./check.ts";
import { errorText } from "./outside-text.ts";

/** The checks of one place. */
export class CheckSeries {
  readonly #options: Pick<DiagnoseOptions, "signal" | "timeoutMs" | "onCheck">;
  readonly #url: string;
  readonly #reports: CheckReport[] = [];
  /** The last check that gave nothing to go on with. */
  #blocker: CheckName | undefined;

  constructor(url: string, options: Pick<DiagnoseOptions, "signal" | "timeoutMs" | "onCheck">) {
    this.#url = url;
    this.#options = options;
  }

  /** Those that have ended, in order. */
  get reports(): readonly CheckReport[] {
    return this.#reports;
  }

  /**
   * Runs a check, bounded in time.
   *
   * @param input - What an earlier check gave; `undefined` where it failed, and then this one is not reached.
   * @param check - Rejects for failures that it has no words for.
   * @returns What later checks need.
   * @throws `signal.reason` when the user ends it all.
   */
  async run<Input, Value>(
    name: CheckName,
    input: Input | undefined,
    check: (input: Input, signal: AbortSignal) => Promise<Outcome<Value>> | Outcome<Value>,
  ): Promise<Value | undefined> {
    const { signal, timeoutMs } = this.#options;
    signal.throwIfAborted();
    if (input === undefined) {
      const summary = `not reached: ${this.#blocker ?? "an earlier check"} failed`;
      this.#add({ name, status: "skipped", summary, durationMs: 0, blockedBy: this.#blocker });
      return undefined;
    }
    const startedAt = performance.now();
    const { controller, unlink } = linkedController(signal);
    const timer = setTimeout(() => controller.abort(timeoutError(timeoutMs)), timeoutMs);
    try {
      const { finding, value } = await check(input, controller.signal);
      // What failed because the user had enough is not a finding.
      signal.throwIfAborted();
      if (value === undefined) this.#blocker = name;
      this.#add({ name, ...finding, durationMs: performance.now() - startedAt });
      return value;
    } catch (error) {
      signal.throwIfAborted();
      this.#blocker = name;
      const reason = controller.signal.aborted ? controller.signal.reason : error;
      const finding: Finding = { status: "failed", summary: errorText(reason) };
      this.#add({ name, ...finding, durationMs: performance.now() - startedAt });
      return undefined;
    } finally {
      clearTimeout(timer);
      controller.abort();
      unlink();
    }
  }

  /** Notes a check that is not made, because something that it needs was not given. */
  skip(name: CheckName, summary: string): void {
    this.#add({ name, status: "skipped", summary, durationMs: 0 });
  }

  #add(report: CheckReport): void {
    const rounded = { ...report, durationMs: Math.round(report.durationMs * 10) / 10 };
    this.#reports.push(rounded);
    this.#options.onCheck?.(rounded, this.#url);
  }
}

function timeoutError(timeoutMs: number): Error {
  return new DOMException(`no answer within ${timeoutMs / 1000} s`, "TimeoutError");
}
