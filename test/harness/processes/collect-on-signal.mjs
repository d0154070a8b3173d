/**
 * Loaded into a service: on SIGUSR2 it collects all garbage, and prints `collected N: {…}` with the
 * memory that remains, so that what remains is what is held.
 *
 * It is JavaScript because what Node loads to strip types takes 15 MB, which would be measured too.
 * @module
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = /** @type {() => void} */ (runInNewContext("gc"));
let collections = 0;
process.on("SIGUSR2", () => {
  collect();
  // Memory outside the heap is freed in a task after the collection that found it unused.
  setImmediate(() => {
    collect();
    collections += 1;
    const { heapUsed, external } = process.memoryUsage();
    process.stdout.write(`collected ${collections}: ${JSON.stringify({ heapUsed, external })}\n`);
  });
});
