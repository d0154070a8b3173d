/**
 * The slow twin of `ServiceShares`: keeps the whole history, and reads the answer off it with nothing but loops.
 * @module
 */
import type { DiscoveredAffiliate } from "../../../../src/client/index.ts";

/** What a service says of a node: a content, and endpoints. */
export interface Said {
  readonly content: string;
  readonly endpoints: readonly string[];
}

export type HistoryStep =
  | { readonly kind: "connect"; readonly service: number; readonly list: ReadonlyMap<string, Said> }
  | {
      readonly kind: "change";
      readonly service: number;
      readonly nodeId: string;
      readonly said: Said | undefined;
    }
  | { readonly kind: "lose"; readonly service: number }
  | { readonly kind: "outdate"; readonly service: number };

export function affiliateOf(nodeId: string, { content, endpoints }: Said): DiscoveredAffiliate {
  return { nodeId, hostname: content, endpoints };
}

/** A service's words on one node, from one step of the history on. */
interface Word extends Said {
  readonly date: number;
}

/** What is known of one node after `history`: its content and the set of its endpoints. */
export function naiveAnswer(
  history: readonly HistoryStep[],
  nodeId: string,
  serviceCount: number,
): { content: string; endpoints: string[] } | undefined {
  const words: (Word | undefined)[] = Array.from({ length: serviceCount });
  const phases: string[] = Array.from({ length: serviceCount }, () => "unheard");
  const heardUntil: number[] = Array.from({ length: serviceCount }, () => 0);
  /** Every content that became new, with its date; begun again when nobody says anything of the node. */
  let became: { content: string; date: number }[] = [];
  /** What each service lists, of all nodes: the clock is one for all. */
  const lists = Array.from({ length: serviceCount }, () => new Map<string, string>());
  let changes = 0;
  let answer: { content: string; endpoints: string[] } | undefined;
  for (const step of history) {
    const s = step.service;
    const list = lists[s] as Map<string, string>;
    if (step.kind === "connect") {
      list.clear();
      for (const [id, { content }] of step.list) list.set(id, content);
    } else if (step.kind === "change") {
      if (step.said === undefined) list.delete(step.nodeId);
      else {
        if (list.get(step.nodeId) !== step.said.content) changes++;
        list.set(step.nodeId, step.said.content);
      }
    }
    if (step.kind === "lose") {
      if (phases[s] === "unheard") heardUntil[s] = -1;
      if (phases[s] === "connected") {
        phases[s] = "lost";
        heardUntil[s] = changes + 0.5;
      }
    } else if (step.kind === "outdate") {
      if (phases[s] === "lost") phases[s] = "outdated";
    } else if (step.kind === "connect") {
      phases[s] = "connected";
      const said = step.list.get(nodeId);
      if (said === undefined) words[s] = undefined;
      else if (words[s]?.content === said.content) words[s] = { ...words[s], ...said };
      else {
        const seen = became.findLast(({ content }) => content === said.content);
        const date = seen?.date ?? heardUntil[s] ?? 0;
        words[s] = { ...said, date };
        became.push({ content: said.content, date });
      }
    } else if (step.nodeId === nodeId) {
      if (step.said === undefined) words[s] = undefined;
      else if (words[s]?.content === step.said.content) words[s] = { ...words[s], ...step.said };
      else {
        words[s] = { ...step.said, date: changes };
        became.push({ content: step.said.content, date: changes });
      }
    }
    if (words.every((word) => word === undefined)) became = [];

    if (!phases.includes("connected")) continue;
    const isListed = words.some((word, i) => word !== undefined && phases[i] === "connected");
    const counting = words.filter((word, i) => word !== undefined && phases[i] !== "outdated");
    const latest = Math.max(...counting.map((word) => word?.date ?? 0));
    answer = isListed
      ? {
          content: counting.find((word) => word?.date === latest)?.content ?? "",
          endpoints: [...new Set(counting.flatMap((word) => word?.endpoints ?? []))].sort(),
        }
      : undefined;
  }
  return answer;
}
