/**
 * The two services as processes, each as it is by default but for where it listens.
 * @module
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Binaries, buildBinaries } from "../../test/harness/go/binaries.ts";
import { unusedPort } from "../../test/harness/net/unused-port.ts";
import { OUR_CLI } from "../../test/harness/paths.ts";
import { LineProcess } from "../../test/harness/processes/line-process.ts";

export const SERVER_NAMES = ["ours", "reference"] as const;
export type ServerName = (typeof SERVER_NAMES)[number];

export interface RunningServer extends AsyncDisposable {
  readonly name: ServerName;
  readonly pid: number;
  /** `127.0.0.1:port`. */
  readonly endpoint: string;
  /** Present with TLS: the authority that signed its certificate. */
  readonly caFile: string | undefined;
}

export interface StartOptions {
  readonly tls?: boolean;
  /** Arguments for Node itself; ours alone. */
  readonly nodeArgs?: readonly string[];
  /** Beside those of this process; ours alone. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts services; its end removes their files. */
export class ServerHall implements AsyncDisposable {
  readonly folder: string;
  readonly #binaries: Binaries;
  readonly #help: string;
  #started = 0;

  private constructor(folder: string, binaries: Binaries, help: string) {
    this.#help = help;
    this.folder = folder;
    this.#binaries = binaries;
  }

  static async open(): Promise<ServerHall> {
    if (!existsSync(OUR_CLI)) throw new Error("dist/ is missing: npm run build");
    const binaries = await buildBinaries();
    const folder = await mkdtemp(join(tmpdir(), "talos-discovery-bench-"));
    await promisify(execFile)(binaries.interop, ["certificates", folder]);
    const help = await promisify(execFile)(process.execPath, [OUR_CLI, "serve", "--help"]);
    return new ServerHall(folder, binaries, help.stdout);
  }

  /** Resolves when the service listens. */
  async start(name: ServerName, options: StartOptions = {}): Promise<RunningServer> {
    const port = await unusedPort();
    const endpoint = `127.0.0.1:${port}`;
    const elsewhere = await this.#defaultsElsewhere();
    const args = [
      `-addr=${endpoint}`,
      ...elsewhere.filter((arg) => name === "reference" || this.#knows(arg)),
    ];
    if (options.tls) {
      args.push(`-certificate-path=${join(this.folder, "server.pem")}`);
      args.push(`-key-path=${join(this.folder, "server-key.pem")}`);
    }
    const process_ =
      name === "reference"
        ? new LineProcess("reference", this.#binaries.service, args, listening(REFERENCE_SAYS))
        : new LineProcess(
            "ours",
            process.execPath,
            // The reference believes X-Real-IP of anybody, so that each virtual client has a rate limit of its own.
            [...(options.nodeArgs ?? []), OUR_CLI, "serve", ...args, TRUST_LOOPBACK],
            listening(OURS_SAYS),
            { ...(options.env && { env: options.env }) },
          );
    try {
      await process_.until("listening", () => process_.events[0]);
    } catch (error) {
      await process_.kill();
      throw error;
    }
    return {
      name,
      pid: process_.pid,
      endpoint,
      caFile: options.tls ? join(this.folder, "ca.pem") : undefined,
      [Symbol.asyncDispose]: () => process_.kill(),
    };
  }

  #knows(arg: string): boolean {
    return this.#help.includes(`-${arg.slice(0, arg.indexOf("="))} `);
  }

  /** What listens or writes by default does so, where it disturbs nobody. */
  async #defaultsElsewhere(): Promise<string[]> {
    const snapshot = join(this.folder, `state-${++this.#started}`, "state.binpb");
    return [
      `-landing-addr=127.0.0.1:${await unusedPort()}`,
      `-metrics-addr=127.0.0.1:${await unusedPort()}`,
      `-snapshot-path=${snapshot}`,
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

const TRUST_LOOPBACK = "-trusted-proxies=127.0.0.0/8";
const REFERENCE_SAYS = /"msg":"API server starting"/;
const OURS_SAYS = /^listening on /;

function listening(pattern: RegExp): (line: string) => true | undefined {
  return (line) => pattern.test(line) || undefined;
}
