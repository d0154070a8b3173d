/**
 * A command on a terminal of its own: a real one of the kernel, made by `script`, before the emulator of xterm.js.
 * @module
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { TestScreen } from "../../harness/cli/test-screen.ts";

/** As wide and high as the emulator at its start. */
export class TerminalProcess implements AsyncDisposable {
  readonly screen: TestScreen = new TestScreen();
  readonly #folder: string;
  readonly #script: ChildProcess;
  readonly #exited: Promise<unknown[]>;

  private constructor(folder: string, args: readonly string[], settings: NodeJS.ProcessEnv) {
    this.#folder = folder;
    const { columns, rows } = this.screen;
    const quoted = args.map((arg) => `'${arg}'`).join(" ");
    const command = `tty > ${join(folder, "tty")}; stty cols ${columns} rows ${rows}; exec ${quoted}`;
    const { CI: _, NO_COLOR: __, ...env } = process.env;
    this.#script = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...env, TERM: "xterm-256color", ...settings },
    });
    this.#script.stdout?.setEncoding("utf8").on("data", (text) => this.screen.write(text));
    this.#exited = once(this.#script, "close");
  }

  /** @param settings - Variables besides those of this process. */
  static async start(
    program: string,
    args: readonly string[],
    settings: NodeJS.ProcessEnv = {},
  ): Promise<TerminalProcess> {
    const folder = await mkdtemp(join(tmpdir(), "talos-discovery-terminal-"));
    return new TerminalProcess(folder, [program, ...args], settings);
  }

  /** As a user does who pulls at the window: the emulator and the kernel have the new size. */
  async resize(columns: number, rows: number): Promise<void> {
    await this.screen.resize(columns, rows);
    const tty = (await readFile(join(this.#folder, "tty"), "utf8")).trim();
    await promisify(execFile)("stty", ["-F", tty, "cols", `${columns}`, "rows", `${rows}`]);
  }

  /** What a user types; `\u0003` is Ctrl-C. */
  type(text: string): void {
    this.#script.stdin?.write(text);
  }

  /** @returns The command's exit code. */
  async exit(): Promise<unknown> {
    return (await this.#exited)[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#script.kill("SIGKILL");
    await this.#exited;
    await rm(this.#folder, { recursive: true, force: true });
  }
}
