/**
 * `npm run bench:service [-- CASE…] [--quick] [--json] [--scale]`: server CPU time and memory of our service against the reference's,
 * under the same load, and what each protocol costs ours; with `--scale`, how both grow with
 * affiliates and watchers.
 * @module
 */
import { parseArgs } from "node:util";
import { describeMachine } from "../harness/machine.ts";
import { summarize } from "../harness/statistics.ts";
import { CPU_CASES, EMPTY_RSS_LIMIT_BYTES, MEMORY_CASES } from "./cases.ts";
import { LoadGenerator } from "./load-generator.ts";
import {
  concludeProtocols,
  formatProtocols,
  PROTOCOL_CASES,
  type ProtocolResult,
  runProtocolRound,
} from "./protocols.ts";
import { concludeCase, formatResults, type ServiceResult } from "./report.ts";
import {
  type MemoryValues,
  type RoundOptions,
  type RoundValues,
  runCpuRound,
  runMemoryRound,
} from "./rounds.ts";
import { formatScale, runScale, scaleCsv } from "./scale.ts";
import { ServerHall, type ServerName } from "./servers.ts";

const BYTES_PER_MB = 1_000_000;

interface Plan {
  readonly rounds: number;
  readonly share: number;
  readonly settleMs: number;
}

const FULL: Plan = { rounds: 3, share: 1, settleMs: 3000 };
/** Shows that everything works, not how fast. */
const QUICK: Plan = { rounds: 1, share: 1 / 20, settleMs: 300 };

async function main(): Promise<void> {
  const { names, isQuick, isJson, isScale } = parseCommandLine();
  if (isScale) return scale({ isQuick, isJson });
  const plan = isQuick ? QUICK : FULL;
  const cpuCases = CPU_CASES.filter(({ name }) => names.includes(name));
  const memoryCases = MEMORY_CASES.filter(({ name }) => names.includes(name));
  const protocolCases = PROTOCOL_CASES.filter(({ name }) => names.includes(name));
  const protocolRounds: Awaited<ReturnType<typeof runProtocolRound>>[] = [];
  const cpu: Map<string, RoundValues>[] = [];
  const memory: Map<string, MemoryValues>[] = [];
  await using hall = await ServerHall.open();
  await using generator = await LoadGenerator.start();
  for (let round = 0; round < plan.rounds; round++) {
    const options: RoundOptions = { ...plan, round };
    cpu.push(await runCpuRound(cpuCases, hall, generator, options));
    memory.push(await runMemoryRound(memoryCases, hall, generator, options));
    protocolRounds.push(await runProtocolRound(protocolCases, hall, options));
  }

  const results = [
    ...cpuCases.map((cpuCase) =>
      concludeCase(
        cpuCase,
        "µs",
        cpu.map((round) => round.get(cpuCase.name) as RoundValues),
      ),
    ),
    ...memoryCases.map((memoryCase) =>
      concludeCase(
        memoryCase,
        "MB",
        memory.map((round) => megabytes((round.get(memoryCase.name) as MemoryValues).growth)),
      ),
    ),
  ];
  const empty = memory.flatMap((round) => [...round.values()].map((values) => values.empty));
  const protocols = protocolCases.flatMap((protocolCase) =>
    concludeProtocols(
      protocolCase,
      protocolRounds.map((round) => round.get(protocolCase.name) ?? []),
    ),
  );
  print({ results, empty: empty.map(megabytes), protocols }, { isQuick, isJson });
}

async function scale({ isQuick, isJson }: { isQuick: boolean; isJson: boolean }): Promise<void> {
  await using hall = await ServerHall.open();
  await using generator = await LoadGenerator.start();
  const rows = await runScale(hall, generator, { isQuick });
  const machine = describeMachine();
  if (isJson) console.log(JSON.stringify({ machine, quick: isQuick, rows }, null, 2));
  else {
    console.log(`${Object.values(machine).join(", ")}${isQuick ? ", quick" : ""}\n`);
    console.log(`${formatScale(rows)}\n\n${scaleCsv(rows)}`);
  }
}

function megabytes(bytes: RoundValues): RoundValues {
  return { ours: bytes.ours / BYTES_PER_MB, reference: bytes.reference / BYTES_PER_MB };
}

/** All that a run has measured. */
interface Outcome {
  readonly results: readonly ServiceResult[];
  /** RSS before the first call, in MB. */
  readonly empty: readonly RoundValues[];
  readonly protocols: readonly ProtocolResult[];
}

function print(
  { results, empty, protocols }: Outcome,
  { isQuick, isJson }: { isQuick: boolean; isJson: boolean },
): void {
  const machine = describeMachine();
  const median = (name: ServerName) => summarize(empty.map((values) => values[name])).median;
  const emptyRssMb =
    empty.length === 0 ? undefined : { ours: median("ours"), reference: median("reference") };
  if (isJson) {
    const outcome = { machine, quick: isQuick, results, protocols, emptyRssMb };
    console.log(JSON.stringify(outcome, null, 2));
    return;
  }
  console.log(`${Object.values(machine).join(", ")}${isQuick ? ", quick" : ""}\n`);
  if (results.length > 0) console.log(formatResults(results, !isQuick));
  if (protocols.length > 0) console.log(`\n${formatProtocols(protocols, !isQuick)}`);
  if (emptyRssMb === undefined) return;
  const limit = EMPTY_RSS_LIMIT_BYTES / BYTES_PER_MB;
  console.log(
    `\nempty RSS: ours ${emptyRssMb.ours.toFixed(1)} MB, reference ${emptyRssMb.reference.toFixed(1)} MB; ` +
      `ours is to be at most ${limit}: ${emptyRssMb.ours <= limit ? "holds" : "does not"}`,
  );
}

/** Ends the process where the command line is wrong. */
function parseCommandLine(): {
  names: string[];
  isQuick: boolean;
  isJson: boolean;
  isScale: boolean;
} {
  const all = [...CPU_CASES, ...MEMORY_CASES, ...PROTOCOL_CASES].map(({ name }) => name);
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: "boolean" },
        json: { type: "boolean" },
        scale: { type: "boolean" },
      },
    });
    for (const name of positionals) {
      if (!all.includes(name)) throw new RangeError(`No case '${name}': ${all.join(", ")}`);
    }
    const names = positionals.length > 0 ? positionals : all;
    const { quick: isQuick = false, json: isJson = false, scale: isScale = false } = values;
    if (isScale && positionals.length > 0) throw new RangeError("--scale: takes no cases");
    return { names, isQuick, isJson, isScale };
  } catch (error) {
    console.error((error as Error).message);
    process.exit(2);
  }
}

await main();
