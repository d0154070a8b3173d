/**
 * Measures one group, and prints its values as JSON. Run by `main.ts`: `group-process.ts GROUP full|quick`.
 * @module
 */
import { FULL, GROUPS, QUICK } from "./groups.ts";

const [name = "", extent] = process.argv.slice(2);
const load = GROUPS[name];
if (load === undefined) throw new RangeError(`no group ${name}`);
const { measure } = await load();
console.log(JSON.stringify(await measure(extent === "quick" ? QUICK : FULL)));
