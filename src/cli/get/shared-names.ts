/**
 * Node names that several affiliates claim, of whom a list of members has one.
 * @module
 */
import type { AffiliateSpec, Resource } from "../../resources/index.ts";
import { counted, quoted } from "../text.ts";

/** How many names a notice has; a cluster may have many whose nodes were all made anew. */
const MAX_SHOWN_NAMES = 3;

/** Tells of names that are claimed by several, once for the same ones. */
export class SharedNames {
  #told = "";

  /** @returns A notice in one line, where there is something new to tell. */
  add(affiliates: ReadonlyMap<string, Resource<AffiliateSpec>>): string | undefined {
    const nodeIds = new Map<string, string[]>();
    for (const { spec } of affiliates.values()) {
      if (spec.nodename === "") continue;
      const sharing = nodeIds.get(spec.nodename);
      if (sharing === undefined) nodeIds.set(spec.nodename, [spec.nodeId]);
      else sharing.push(spec.nodeId);
    }
    const shared = [...nodeIds].filter(([, ids]) => ids.length > 1).sort();
    const notice = describe(shared.map(([name, ids]) => [name, ids.sort()]));
    const isNew = notice !== this.#told;
    this.#told = notice;
    return isNew && notice !== "" ? notice : undefined;
  }
}

function describe(shared: readonly (readonly [string, readonly string[]])[]): string {
  if (shared.length === 0) return "";
  const names = shared
    .slice(0, MAX_SHOWN_NAMES)
    .map(
      ([name, ids]) =>
        `${quoted(name)} is the name of ${ids.length} nodes, listed is ${ids.at(-1)}`,
    );
  const rest = shared.length - names.length;
  return `${names.join("; ")}${rest > 0 ? `; and ${counted(rest, "more name")}` : ""}: get affiliates has all`;
}
