/**
 * A child process that is driven by JSON lines: commands on its stdin, events on its stdout.
 * @module
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** How long an event may take. Covers the Go client's backoff after a few failures. */
export const EVENT_LIMIT_MS = 30_000;
/** How long a process may take to end by itself. */
const EXIT_LIMIT_MS = 10_000;
const KEPT_DIAGNOSTICS = 40;

/** What a test that is cut short has left behind: ended with the process that ran it. */
const running = new Set<ChildProcessWithoutNullStreams>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export interface LineProcessOptions {
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** How many lines that are no events are kept. @default 40 */
  readonly keptDiagnostics?: number;
}

/** Its events are `Event`; everything that it has said is kept, so that a wait may start late. */
export class LineProcess<Event> {
  readonly name: string;
  /** All events so far, oldest first. */
  readonly events: Event[] = [];
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #diagnostics: string[] = [];
  readonly #keptDiagnostics: number;
  readonly #exited: Promise<unknown>;
  #waiters = new Set<() => void>();
  #alive = true;

  /** @param eventOf - Makes events of lines of either stream. By default stdout is JSON, and stderr holds none. */
  constructor(
    name: string,
    command: string,
    args: readonly string[],
    eventOf?: (line: string) => Event | undefined,
    { env, keptDiagnostics = KEPT_DIAGNOSTICS }: LineProcessOptions = {},
  ) {
    this.name = name;
    this.#keptDiagnostics = keptDiagnostics;
    const child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    this.#child = child;
    running.add(child);
    this.#exited = once(child, "close").then(([code]) => {
      this.#alive = false;
      running.delete(child);
      // Others may be waiting for what this one should have done.
      if (code !== 0 && code !== null) this.#complain(`ended with ${code}`);
      this.#wake();
    });
    // A write to a process that has just ended is no failure of a test by itself; a missing event is.
    child.stdin.on("error", (error) => this.#note(String(error)));
    child.once("error", (error) => this.#note(String(error)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.#take(eventOf ? eventOf(line) : (parseJson(line) as Event | undefined), line);
    });
    createInterface({ input: child.stderr }).on("line", (line) => {
      this.#take(eventOf?.(line), line);
    });
  }

  /** Throws where it could not be started. */
  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.name}: not started`);
    return pid;
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  /** The last lines that were no events. */
  get diagnostics(): readonly string[] {
    return this.#diagnostics;
  }

  /** Sends a signal that it may outlive: `SIGSTOP`, `SIGCONT`. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Sends one command. */
  send(command: object): void {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  /**
   * Waits until `look` finds something.
   *
   * @param what - Named in the failure.
   * @param look - Asked now and after every event; `undefined` is "not yet".
   * @throws {Error} After {@link EVENT_LIMIT_MS} or the end of the process, with the last event and its diagnostics.
   */
  async until<Found>(
    what: string,
    look: () => Found | undefined,
    limitMs: number = EVENT_LIMIT_MS,
  ): Promise<Found> {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0 || !this.#alive) {
        throw new Error(
          `${this.name}: ${what}: not seen ${this.#alive ? `within ${limitMs} ms` : "before it ended"}\n` +
            `last event: ${JSON.stringify(this.events.at(-1))?.slice(0, 4000)}\n${this.#diagnostics.join("\n")}`,
        );
      }
      await this.#nextEvent(leftMs);
    }
  }

  /** Waits until it has said `text` on stderr, not too long ago. */
  async untilDiagnostic(text: string): Promise<void> {
    const find = () => this.#diagnostics.some((line) => line.includes(text)) || undefined;
    await this.until(`diagnostic ${text}`, find);
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  /** Asks it to end, and waits for that. Resolves with its exit code. */
  async terminate(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return this.exit();
  }

  /** Waits for its end. Resolves with its exit code. */
  async exit(): Promise<number | null> {
    await this.until("end of the process", () => (this.#alive ? undefined : true), EXIT_LIMIT_MS);
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #nextEvent(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(done);
        resolve();
      };
      const timer = setTimeout(done, limitMs);
      this.#waiters.add(done);
    });
  }

  #take(event: Event | undefined, line: string): void {
    if (event === undefined) this.#note(line);
    else this.events.push(event);
    this.#wake();
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
  }

  #complain(reason: string): void {
    process.stderr.write(`${this.name} ${reason}\n${this.#diagnostics.join("\n")}\n`);
  }

  #note(line: string): void {
    this.#diagnostics.push(line);
    if (this.#diagnostics.length > this.#keptDiagnostics) this.#diagnostics.shift();
  }
}

/** `undefined` for what is no JSON: a process that is killed leaves half a line. */
function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
