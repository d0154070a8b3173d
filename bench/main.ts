/**
 * `npm run bench [-- GROUP…] [--quick] [--json]`: measures, as ratios, and prints a table.
 * @module
 */
import { parseArgs } from "node:util";
import { describeMachine } from "./harness/machine.ts";
import type { BenchOptions, Measure } from "./harness/measure.ts";
import { formatTable } from "./harness/table.ts";

/** Loaded when chosen, so that no group warms up or pollutes another's code more than it must. */
const GROUPS: Readonly<Record<string, () => Promise<{ readonly measure: Measure }>>> = {
  seal: () => import("./cases/seal.ts"),
  base62: () => import("./cases/base62.ts"),
  codec: () => import("./cases/codec.ts"),
  registry: () => import("./cases/registry.ts"),
  "fan-out": () => import("./cases/fan-out.ts"),
  expiry: () => import("./cases/expiry.ts"),
  memory: () => import("./cases/memory.ts"),
  discovery: () => import("./cases/discovery.ts"),
};

// A batch is shorter than a scheduler's time slice: on a busy machine most are then undisturbed, and the rest are outliers.
const FULL: BenchOptions = { quick: false, rounds: 300, batchMs: 1, warmUpMs: 200 };
const QUICK: BenchOptions = { quick: true, rounds: 12, batchMs: 1, warmUpMs: 20 };

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { quick: { type: "boolean" }, json: { type: "boolean" } },
  });
  const names = positionals.length > 0 ? positionals : Object.keys(GROUPS);
  for (const name of names) {
    if (!Object.hasOwn(GROUPS, name)) {
      console.error(`no benchmark "${name}": there are ${Object.keys(GROUPS).join(", ")}`);
      process.exitCode = 2;
      return;
    }
  }
  const options = values.quick ? QUICK : FULL;
  const machine = describeMachine();
  if (!values.json)
    console.log(`${Object.values(machine).join(", ")}${values.quick ? ", quick" : ""}\n`);
  const groups: Record<string, unknown> = {};
  for (const name of names) {
    const { measure } = await (GROUPS[name] as (typeof GROUPS)[string])();
    const results = await measure(options);
    if (values.json) groups[name] = results;
    else console.log(`${name.toUpperCase()}\n${formatTable(results)}`);
  }
  if (values.json) console.log(JSON.stringify({ machine, quick: options.quick, groups }, null, 2));
}

await main();
