/**
 * Runs checks one after the other, as long as there is something to go on with.
 * @module
 */
import { Deadline } from "../deadline.ts";
import {
  type CheckName,
  type CheckReport,
  type DiagnoseOptions,
  type Finding,
  type Outcome,
  toTenths,
} from "./check.ts";
import { errorText } from "./failures.ts";

/** The checks of one place. */
export class CheckSeries {
  readonly #options: Pick<DiagnoseOptions, "signal" | "timeoutMs" | "onCheck">;
  readonly #url: string;
  readonly #reports: CheckReport[] = [];
  /** Of checks that are not reached: the last one before them gave nothing to go on with. */
  #blocked: Pick<CheckReport, "status" | "summary" | "blockedBy"> = {
    status: "skipped",
    summary: "not reached",
  };

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
      this.#add({ name, ...this.#blocked, durationMs: 0 });
      return undefined;
    }
    const startedAt = performance.now();
    using deadline = new Deadline({ signal, timeoutMs });
    try {
      const { finding, value } = await check(input, deadline.signal);
      // What failed because the user had enough is not a finding.
      signal.throwIfAborted();
      if (value === undefined) {
        const how = finding.status === "failed" ? "failed" : "gave nothing to go on with";
        this.#block(name, `not reached: ${name} ${how}`);
      }
      this.#add({ name, ...finding, durationMs: performance.now() - startedAt });
      return value;
    } catch (error) {
      signal.throwIfAborted();
      this.#block(name, `not reached: ${name} failed`);
      const reason = deadline.signal.aborted ? deadline.signal.reason : error;
      const finding: Finding = { status: "failed", summary: errorText(reason) };
      this.#add({ name, ...finding, durationMs: performance.now() - startedAt });
      return undefined;
    }
  }

  /**
   * Puts something that the user gives beside what an earlier check gave. Where it was not given, the checks that need it are
   * skipped.
   *
   * @param what - For the user: what is missing, and how to give it.
   */
  withGiven<Input extends object, Key extends string, Given>(
    input: Input | undefined,
    key: Key,
    given: Given | undefined,
    what: string,
  ): (Input & Record<Key, Given>) | undefined {
    if (input === undefined) return undefined;
    if (given === undefined) {
      this.#block(undefined, `needs ${what}`);
      return undefined;
    }
    return { ...input, [key]: given } as Input & Record<Key, Given>;
  }

  #block(by: CheckName | undefined, summary: string): void {
    this.#blocked = { status: "skipped", summary, blockedBy: by };
  }

  #add(report: CheckReport): void {
    const rounded = { ...report, durationMs: toTenths(report.durationMs) };
    this.#reports.push(rounded);
    this.#options.onCheck?.(rounded, this.#url);
  }
}
