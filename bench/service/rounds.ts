/**
 * Runs the cases on both services, in turn and in rounds.
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import type { CpuCase, MemoryCase } from "./cases.ts";
import type { LoadCommand, LoadGenerator } from "./load-generator.ts";
import { cpuSeconds, residentBytes } from "./process-usage.ts";
import { type RunningServer, SERVER_NAMES, type ServerHall, type ServerName } from "./servers.ts";

/** One case in one round. */
export type RoundValues = Readonly<Record<ServerName, number>>;

export interface RoundOptions {
  /** Which round, from 0: the order of the services changes from one to the next. */
  readonly round: number;
  /** Part of the operations of a full run. */
  readonly share: number;
  /** How long memory is left alone before it is looked at. */
  readonly settleMs: number;
}

/** What either service still does for the last operation. */
const TRAILING_MS = 100;

const WARM_UP_SHARE = 1 / 3;

/** CPU time per operation, in microseconds, of each case by its name. Each round has processes of its own. */
export async function runCpuRound(
  cases: readonly CpuCase[],
  hall: ServerHall,
  generator: LoadGenerator,
  { round, share }: RoundOptions,
): Promise<Map<string, RoundValues>> {
  const results = new Map<string, RoundValues>();
  for (const tls of [false, true]) {
    const chosen = cases.filter((cpuCase) => cpuCase.tls === tls);
    if (chosen.length === 0) continue;
    await using stack = new AsyncDisposableStack();
    const servers: RunningServer[] = [];
    for (const name of SERVER_NAMES) servers.push(stack.use(await hall.start(name, { tls })));
    for (const [at, cpuCase] of chosen.entries()) {
      const values: Record<ServerName, number> = { ours: 0, reference: 0 };
      // In turns, so that neither always runs after the other.
      const order = (round + at) % 2 === 0 ? servers : servers.toReversed();
      for (const server of order) {
        values[server.name] = await measureCpu(cpuCase, server, generator, share);
      }
      results.set(cpuCase.name, values);
      tellProgress(round, cpuCase.name, values);
    }
  }
  return results;
}

function tellProgress(round: number, name: string, { ours, reference }: RoundValues): void {
  process.stderr.write(`round ${round + 1}: ${name} ${(ours / reference).toFixed(2)}\n`);
}

async function measureCpu(
  { prepare, measure, verify }: CpuCase,
  server: RunningServer,
  generator: LoadGenerator,
  share: number,
): Promise<number> {
  const count = Math.ceil(measure.count * share);
  for (const command of prepare) await generator.run(server, command);
  await generator.run(server, { ...measure, count: Math.ceil(count * WARM_UP_SHARE) });
  await delay(TRAILING_MS);
  const before = await cpuSeconds(server.pid);
  const { operations, delivered } = await generator.run(server, { ...measure, count });
  await delay(TRAILING_MS);
  const used = (await cpuSeconds(server.pid)) - before;
  if (verify) await generator.run(server, verify);
  await generator.run(server, { do: "close" });
  return (used * 1e6) / (measure.do === "publish" ? delivered : operations);
}

export interface MemoryValues {
  /** In bytes. */
  readonly growth: RoundValues;
  readonly empty: RoundValues;
}

/** RSS of each memory case by its name. Each has processes of its own. */
export async function runMemoryRound(
  cases: readonly MemoryCase[],
  hall: ServerHall,
  generator: LoadGenerator,
  { round, settleMs }: RoundOptions,
): Promise<Map<string, MemoryValues>> {
  const results = new Map<string, MemoryValues>();
  for (const [at, memoryCase] of cases.entries()) {
    const growth: Record<ServerName, number> = { ours: 0, reference: 0 };
    const empty: Record<ServerName, number> = { ours: 0, reference: 0 };
    const order = (round + at) % 2 === 0 ? SERVER_NAMES : SERVER_NAMES.toReversed();
    for (const name of order) {
      await using server = await hall.start(name);
      const rss = async (commands: readonly LoadCommand[]): Promise<number> => {
        for (const command of commands) await generator.run(server, command);
        await delay(settleMs);
        return residentBytes(server.pid);
      };
      empty[name] = await rss([]);
      const before = memoryCase.prepare.length > 0 ? await rss(memoryCase.prepare) : empty[name];
      growth[name] = (await rss(memoryCase.grow)) - before;
      await generator.run(server, { do: "close" });
    }
    results.set(memoryCase.name, { growth, empty });
    tellProgress(round, memoryCase.name, growth);
  }
  return results;
}
