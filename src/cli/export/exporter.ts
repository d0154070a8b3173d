/**
 * From the state of a cluster to the text of an export, with a word to the user on what is not in it.
 * @module
 */
import { shortList } from "../text.ts";
import type { ExportedCluster, ExportRenderer } from "./format.ts";
import { type ExportedState, type MemberSelection, selectMembers } from "./member-selection.ts";

/** Others decide how much is wrong with what they say. */
const MAX_NOTICES = 20;

/** Names in a notice. */
const MAX_NAMES = 5;

/** An export as text. */
export interface ExportedText {
  readonly text: string;
  readonly memberCount: number;
}

/** Renders one state after the other; what it has told once, it does not tell again while it lasts. */
export class Exporter {
  readonly #cluster: ExportedCluster;
  readonly #selection: MemberSelection;
  readonly #renderer: ExportRenderer;
  readonly #onNotice: (line: string) => void;
  #told: ReadonlySet<string> = new Set();

  constructor(
    cluster: ExportedCluster,
    selection: MemberSelection,
    renderer: ExportRenderer,
    onNotice: (line: string) => void,
  ) {
    this.#cluster = cluster;
    this.#selection = selection;
    this.#renderer = renderer;
    this.#onNotice = onNotice;
  }

  render(state: ExportedState): ExportedText {
    const selection = this.#selection;
    const { members, unreachable } = selectMembers(state, selection);
    const rendered = this.#renderer.render({ cluster: this.#cluster, members, selection, state });
    const notices: string[] = [];
    const memberCount = rendered.nodeCount ?? members.length;
    if (state.members.size === 0) notices.push("the cluster has no members");
    else if (memberCount === 0 && rendered.problems.length === 0) {
      notices.push("no member is left by the filters");
    }
    if (rendered.nodeCount === undefined && unreachable.length > 0) {
      notices.push(
        `left out, without an address that is asked for: ${shortList(unreachable, MAX_NAMES)}`,
      );
    }
    notices.push(...rendered.problems);
    const news = notices.filter((notice) => !this.#told.has(notice));
    this.#told = new Set(notices);
    for (const notice of news.slice(0, MAX_NOTICES)) this.#onNotice(notice);
    if (news.length > MAX_NOTICES)
      this.#onNotice(`and ${news.length - MAX_NOTICES} more like these`);
    return { text: rendered.text, memberCount };
  }
}
