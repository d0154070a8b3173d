/**
 * What a check is, what it says, and how a series of them runs.
 * @module
 */
import type { TransportFactory } from "../../client/index.ts";
import type { Environment } from "../../node/transport/proxy-environment.ts";
import { Deadline } from "../deadline.ts";
import { errorText } from "../text.ts";

/** Every check, in the order in which they run. The names are stable: they stand in JSON. */
export const CHECK_NAMES = [
  "configuration",
  "proxy",
  "dns",
  "tcp",
  "tls",
  "http2",
  "hello",
  "redirect",
  "public-address",
  "round-trip",
  "watch",
  "secret",
  "members",
  "clock",
] as const;

/** One of {@link CHECK_NAMES}. */
export type CheckName = (typeof CHECK_NAMES)[number];

/**
 * - `warning`: works, and is probably not what is wanted.
 * - `failed`: nodes cannot work like this.
 * - `skipped`: not reached, not needed, or something that it needs was not given.
 * - `unknown`: could not be found out, which is no fault.
 */
export type CheckStatus = "ok" | "warning" | "failed" | "skipped" | "unknown";

/** What a check found. Text from outside is in it only after `outsideText` of `cli/text.ts`. */
export interface Finding {
  readonly status: CheckStatus;
  /** One line. */
  readonly summary: string;
  /** What to do, where there is something to do. */
  readonly hint?: string | undefined;
  /** The same as data, under stable names, for JSON. Never with a secret. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** A finding, and what later checks need; without that they are not reached. */
export interface Outcome<Value> {
  readonly finding: Finding;
  readonly value?: Value | undefined;
}

/** A check that has ended. */
export interface CheckReport extends Finding {
  readonly name: CheckName;
  readonly durationMs: number;
  /** The check that failed, where this one was not reached. */
  readonly blockedBy?: CheckName | undefined;
}

/**
 * How names are looked up, in two ways that tell apart what went wrong. All reject with the
 * runtime's errors.
 */
export interface NameResolution {
  /** As connections do: `/etc/hosts`, then DNS, by the system's configuration. */
  readonly lookup: (host: string) => Promise<readonly string[]>;
  /** Asks the DNS servers themselves, for `A` and `AAAA`. */
  readonly query: (host: string) => Promise<readonly string[]>;
  /** The text of the hosts file. */
  readonly readHosts: () => Promise<string>;
}

/** What checks work with. */
export interface DiagnoseOptions {
  readonly clusterId: string | undefined;
  /** Base64 of 32 bytes. */
  readonly clusterSecret: string | undefined;
  /** Whether it was given in the one form of standard base64. @default true */
  readonly isSecretCanonical?: boolean | undefined;
  /** PEM certificates to trust besides the runtime's. */
  readonly ca: string | undefined;
  readonly transport: TransportFactory;
  readonly env: Environment;
  /** How long one check may take. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Told of each check as it ends, with the URL that it was about. */
  readonly onCheck?: ((report: CheckReport, url: string) => void) | undefined;
  /** ms since 1970. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** @default the system's */
  readonly names?: NameResolution | undefined;
}

/** A duration in ms as reports have it. */
export function toTenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** The worst of some statuses, of which `skipped` and `unknown` are neither good nor bad. */
export function worstStatus(statuses: Iterable<CheckStatus>): "ok" | "warning" | "failed" {
  const all = new Set(statuses);
  if (all.has("failed")) return "failed";
  return all.has("warning") ? "warning" : "ok";
}

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
   * @param input - What an earlier check gave; `undefined` where it failed, and then this one is
   *   not reached.
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
   * Puts something that the user gives beside what an earlier check gave. Where it was not given,
   * the checks that need it are skipped.
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
