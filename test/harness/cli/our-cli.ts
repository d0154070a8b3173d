/**
 * Where the built command line is.
 * @module
 */
import { resolve } from "node:path";

export const OUR_CLI: string = resolve(import.meta.dirname, "../../../dist/cli/main.js");
