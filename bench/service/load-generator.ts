/**
 * The Go program that makes the load, which is the same client for both services.
 * @module
 */
import { resolve } from "node:path";
import { buildGoProgram } from "../../test/harness/go/go-build.ts";
import { LineProcess } from "../../test/harness/processes/line-process.ts";
import type { RunningServer } from "./servers.ts";

/** A guard against programs that hang; no figure depends on it. */
const ANSWER_LIMIT_MS = 180_000;

/** What the generator does at a time; `bench/service/go/main.go` explains the fields. */
export interface LoadCommand {
  readonly do: "open" | "fill" | "calls" | "verify" | "sessions" | "watch" | "publish" | "close";
  readonly method?: "hello" | "update" | "refresh" | "list";
  readonly count?: number;
  readonly connections?: number;
  readonly concurrency?: number;
  readonly firstCluster?: number;
  readonly clusters?: number;
  readonly affiliates?: number;
  readonly watchedClusters?: number;
  readonly limitMs?: number;
}

export interface LoadAnswer {
  readonly id: number;
  readonly error?: string;
  readonly operations: number;
  /** Changes that watchers have seen, each checked. */
  readonly delivered: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export class LoadGenerator implements AsyncDisposable {
  readonly #process: LineProcess<LoadAnswer>;
  #lastId = 0;

  private constructor(program: string) {
    this.#process = new LineProcess("load generator", program, []);
  }

  /** Builds the program where it must be. */
  static async start(): Promise<LoadGenerator> {
    const module = resolve(import.meta.dirname, "go");
    const program = { name: "service-load", module, packageName: ".", cache: "interop" } as const;
    return new LoadGenerator(await buildGoProgram(program));
  }

  /** @throws {Error} Where a call fails, or what the service delivers is not what was published. */
  async run(server: RunningServer, command: LoadCommand): Promise<LoadAnswer> {
    const id = ++this.#lastId;
    const { endpoint, caFile } = server;
    this.#process.send({ id, endpoint, caFile, ...command });
    const answer = await this.#process.until(
      `answer to ${JSON.stringify(command)}`,
      () => this.#process.events.find((event) => event.id === id),
      ANSWER_LIMIT_MS,
    );
    if (answer.error) throw new Error(`${server.name}: ${command.do}: ${answer.error}`);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.kill();
  }
}
