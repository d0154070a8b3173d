/**
 * Loaded into a service: on SIGUSR2 it collects all garbage, and prints `collected N: heap … MB`, so that what remains is
 * what is held.
 * @module
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
let collections = 0;
process.on("SIGUSR2", () => {
  collect();
  collections += 1;
  const heapMb = process.memoryUsage().heapUsed / 2 ** 20;
  process.stdout.write(`collected ${collections}: heap ${heapMb.toFixed(1)} MB\n`);
});
