/**
 * Machines that `join` as real processes, and what they say.
 * @module
 */

import { OUR_CLI } from "../../harness/paths.ts";
import { EVENT_LIMIT_MS, LineProcess } from "../../harness/processes/line-process.ts";
import type { Cluster } from "../../harness/processes/nodes.ts";

interface Line {
  readonly text: string;
}

export interface JoinOptions {
  readonly services: readonly { readonly url: string }[];
  /** Its node name. */
  readonly name: string;
  /** More flags of `join`. */
  readonly flags?: readonly string[];
  /** A program that runs it with its own arguments before. */
  readonly through?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** One machine; its end is its process's. */
export class JoinedMachine {
  readonly name: string;
  readonly process: LineProcess<Line>;

  constructor(cluster: Cluster, { services, name, flags = [], through = [], env }: JoinOptions) {
    const command = [
      ...[...through, process.execPath, OUR_CLI, "join", "--nodename", name],
      ...services.flatMap(({ url }) => ["--service", url]),
      ...flags,
    ];
    const [program = "", ...args] = command;
    this.name = name;
    this.process = new LineProcess<Line>(`join ${name}`, program, args, (text) => ({ text }), {
      env: clusterEnvironment(cluster, env),
    });
  }

  /** All lines so far, members and notices together. */
  get lines(): readonly string[] {
    return this.process.events.map(({ text }) => text);
  }

  /** Waits for a line, which may be there already; `from` passes over earlier ones. */
  async says(pattern: RegExp, from = 0, limitMs: number = EVENT_LIMIT_MS): Promise<string> {
    const find = () => this.lines.slice(from).find((line) => pattern.test(line));
    return this.process.until(String(pattern), find, limitMs);
  }

  /** Whom it saw leave. */
  get losses(): readonly string[] {
    return this.lines.filter((line) => line.startsWith("- "));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}

/** What names a cluster to our commands. */
export function clusterEnvironment(
  { clusterId, clusterSecret }: Cluster,
  env: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    TALOS_DISCOVERY_CLUSTER_ID: clusterId,
    TALOS_DISCOVERY_CLUSTER_SECRET: clusterSecret,
    ...env,
  };
}
