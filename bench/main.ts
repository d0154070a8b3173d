/**
 * `npm run bench [-- GROUP…] [--quick] [--json]`: measures, as ratios, and prints a table.
 * @module
 */
import { execFile } from "node:child_process";
import { parseArgs, promisify } from "node:util";
import { GROUPS } from "./groups.ts";
import { describeMachine } from "./harness/machine.ts";
import { type Measurement, pool, summarizeMeasurement } from "./harness/measurement.ts";
import { formatTable } from "./harness/table.ts";

const run = promisify(execFile);

/**
 * Processes per group. How code was compiled and where memory lies differ from one process to the next, and stay as they are
 * in it: values of several show how much that matters.
 */
const PROCESSES = 3;

const GROUP_PROCESS = new URL("./group-process.ts", import.meta.url).pathname;

async function main(): Promise<void> {
  const { names, isQuick, isJson } = parseCommandLine();
  const machine = describeMachine();
  if (!isJson) console.log(`${Object.values(machine).join(", ")}${isQuick ? ", quick" : ""}\n`);
  const groups: Record<string, unknown> = {};
  for (const name of names) {
    const results = (await measureGroup(name, isQuick)).map(summarizeMeasurement);
    if (isJson) groups[name] = results;
    else console.log(`${name.toUpperCase()}\n${formatTable(results)}`);
  }
  if (isJson) console.log(JSON.stringify({ machine, quick: isQuick, groups }, null, 2));
}

async function measureGroup(name: string, isQuick: boolean): Promise<Measurement[]> {
  const processes: Measurement[][] = [];
  while (processes.length < (isQuick ? 1 : PROCESSES)) {
    const { stdout } = await run(process.execPath, [
      GROUP_PROCESS,
      name,
      isQuick ? "quick" : "full",
    ]);
    processes.push(JSON.parse(stdout));
  }
  return pool(processes);
}

/** Ends the process where the command line is wrong. */
function parseCommandLine(): { names: string[]; isQuick: boolean; isJson: boolean } {
  const all = Object.keys(GROUPS);
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { quick: { type: "boolean" }, json: { type: "boolean" } },
    });
    for (const name of positionals) {
      if (!all.includes(name)) throw new RangeError(`No group '${name}': ${all.join(", ")}`);
    }
    const names = positionals.length > 0 ? positionals : all;
    return { names, isQuick: values.quick ?? false, isJson: values.json ?? false };
  } catch (error) {
    console.error((error as Error).message);
    process.exit(2);
  }
}

await main();
