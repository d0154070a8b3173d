/**
 * Where somebody sits who follows a page: a folder with the files that it speaks of, and programs on the PATH.
 * @module
 */
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OUR_CLI } from "../../harness/paths.ts";
import { LineProcess } from "../../harness/processes/line-process.ts";

/** Longer than any command that ends by itself takes. */
const COMMAND_LIMIT_MS = 60_000;

/** What commands that run until they are told to end say when they are at work; the rest says anything. */
const AT_WORK = [
  [/^(?:npx )?talos-discovery join\b/, /: registered /],
  [/^(?:npx )?talos-discovery serve\b/, /^listening on /],
  [/ --serve\b/, /http:\/\//],
] as const;

/** Whether a command runs until it is told to end. */
export function isLasting(line: string): boolean {
  return /^(?:npx )?talos-discovery (?:(?:join|serve)\b|.* (?:-w|--watch|--serve)\b)/.test(line);
}

export class DocDesk implements AsyncDisposable {
  readonly folder: string;
  readonly #env: Readonly<Record<string, string | undefined>>;
  /** What is written otherwise on the page than here: addresses and ports. */
  readonly #elsewhere: ReadonlyMap<string, string>;
  readonly #lasting: LineProcess<string>[] = [];

  private constructor(folder: string, options: DocDeskOptions) {
    this.folder = folder;
    this.#elsewhere = options.elsewhere;
    this.#env = {
      PATH: `${join(folder, "bin")}:${process.env.PATH}`,
      HOME: folder,
      ...options.env,
    };
  }

  static async open(options: DocDeskOptions): Promise<DocDesk> {
    const folder = await mkdtemp(join(tmpdir(), "talos-discovery-docs-"));
    await mkdir(join(folder, "bin"));
    await chmod(OUR_CLI, 0o755);
    await symlink(OUR_CLI, join(folder, "bin/talos-discovery"));
    // As npm would start it.
    await writeFile(join(folder, "bin/npx"), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
    return new DocDesk(folder, options);
  }

  /** Puts a file there that the page speaks of. */
  async write(name: string, text: string): Promise<void> {
    await writeFile(join(this.folder, name), text, { mode: 0o600 });
  }

  /** Does what a block says, line by line where a line does not end by itself. @returns What it printed. */
  async run(text: string): Promise<string> {
    const lines = text.trim().split("\n");
    if (!lines.some(isLasting)) return this.#runToEnd(text);
    const outputs: string[] = [];
    for (const line of lines) {
      outputs.push(isLasting(line) ? await this.#start(line) : await this.#runToEnd(line));
    }
    return outputs.join("");
  }

  #runToEnd(text: string): Promise<string> {
    const script = this.#here(text);
    const options = { cwd: this.folder, env: this.#env, timeout: COMMAND_LIMIT_MS };
    return new Promise((resolve, reject) => {
      execFile("bash", ["-e", "-o", "pipefail", "-c", script], options, (error, stdout, stderr) => {
        if (error === null) resolve(stdout + stderr);
        else reject(new Error(`${script}\n${stdout}${stderr}`, { cause: error }));
      });
    });
  }

  async #start(line: string): Promise<string> {
    const command = `cd ${this.folder} && exec ${this.#here(line)}`;
    const env = Object.fromEntries(
      Object.entries(this.#env).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      ),
    );
    const lasting = new LineProcess<string>(line, "bash", ["-c", command], (text) => text, { env });
    this.#lasting.push(lasting);
    const sign = AT_WORK.find(([pattern]) => pattern.test(line))?.[1] ?? /./;
    await lasting.until("it is at work", () => lasting.events.find((text) => sign.test(text)));
    return lasting.events.join("\n");
  }

  #here(text: string): string {
    let here = text;
    for (const [written, real] of this.#elsewhere) here = here.replaceAll(written, real);
    return here;
  }

  /** Ends what is still at work, as Ctrl-C does. @returns The exit codes. */
  async leave(): Promise<(number | null)[]> {
    for (const lasting of this.#lasting) lasting.signal("SIGINT");
    return Promise.all(this.#lasting.map((lasting) => lasting.exit()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const lasting of this.#lasting) await lasting.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export interface DocDeskOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly elsewhere: ReadonlyMap<string, string>;
}
