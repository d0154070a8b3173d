/**
 * From the state of a cluster to the text of an export: what a format of `export` is, and how one
 * is rendered, with a notice of what is not in it.
 * @module
 */
import type { Command } from "commander";
import type { Flags } from "../flags/flags.ts";
import { shortList } from "../text.ts";
import {
  type ExportedState,
  type MemberSelection,
  type SelectedMember,
  selectMembers,
  type UnusableAddress,
} from "./member-selection.ts";
import { shownName } from "./member-text.ts";

/** Others decide how much is wrong with what they say. */
const MAX_NOTICES = 20;

/** Names in a notice. */
const MAX_NAMES = 5;

/** The cluster that is exported, as far as its flags name it. */
export interface ExportedCluster {
  readonly id: string | undefined;
  /** Base64 of 32 bytes. For a format with {@link ExportFormat.isPrivate}. */
  readonly secret: string | undefined;
  readonly name: string | undefined;
}

/** What a format is rendered from. */
export interface ExportInput {
  readonly cluster: ExportedCluster;
  /** Those that the flags choose and that have an address to use, sorted by name. */
  readonly members: readonly SelectedMember[];
  /** What the flags ask for, for formats that look further than members. */
  readonly selection: MemberSelection;
  readonly state: ExportedState;
}

/** What a format made of it. */
export interface RenderedExport {
  /** Equal for equal state, in whatever order it came. With its last line break. */
  readonly text: string;
  /** What could not be exported, and why: a line each, for stderr. */
  readonly problems: readonly string[];
  /**
   * How many nodes are in it, where the format looks further than members.
   *
   * @default those that it got
   */
  readonly nodeCount?: number;
}

/** A format whose flags were read. */
export interface ExportRenderer {
  /**
   * Never throws for what other nodes publish.
   *
   * @throws {UsageError} where what the user gave does not go with the cluster.
   */
  render(input: ExportInput): RenderedExport;
  /**
   * Puts an export into a file that has more in it. Without this, the export is the whole file.
   *
   * @param existing - The file's text; empty where there is none.
   * @throws {CommandFailure} where it is no file to put this into.
   */
  merge?(existing: string, exported: string): string;
}

/** A format: a subcommand of `export`. */
export interface ExportFormat {
  /** As it is typed: `prometheus`. */
  readonly name: string;
  /** One sentence, with its full stop. */
  readonly description: string;
  /** Arguments after `talos-discovery export NAME`, for the help. */
  readonly examples: readonly string[];
  /** More for the help, in whole lines. */
  readonly notes?: string;
  /** A new file is readable by its owner alone, for the keys in it. @default false */
  readonly isPrivate?: boolean;
  /** The media type under which `--serve` answers with it. @default it is not served */
  readonly servedAs?: string;
  /** Flags besides those that all formats have. */
  addFlags?(command: Command): void;
  /**
   * Reads its flags, and files they name, once and before the network.
   *
   * @throws {UsageError} for a flag that is missing or wrong.
   */
  prepare(flags: Flags): ExportRenderer | Promise<ExportRenderer>;
}

/** An export as text. */
export interface ExportedText {
  readonly text: string;
  readonly memberCount: number;
}

/**
 * Renders one state after the other; what it has told once, it does not tell again while it lasts.
 */
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
    const { members, unreachable, unusable } = selectMembers(state, selection);
    const rendered = this.#renderer.render({ cluster: this.#cluster, members, selection, state });
    const notices: string[] = [];
    const memberCount = rendered.nodeCount ?? members.length;
    if (state.members.size === 0) notices.push("the cluster has no members");
    else if (memberCount === 0 && rendered.problems.length === 0) {
      notices.push("no member is left by the filters");
    }
    if (rendered.nodeCount === undefined && unreachable.length > 0) {
      notices.push(
        `left out, without an address that is asked for: ${shortList(unreachable.map(shownName), MAX_NAMES)}`,
      );
    }
    if (rendered.nodeCount === undefined && unusable.length > 0) {
      notices.push(
        `addresses that cannot be another node's are left out: ${shortList(unusable.map(shownAddress), MAX_NAMES)}; --cidr takes them`,
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

function shownAddress({ name, address, why }: UnusableAddress): string {
  return `${address} of ${shownName(name)} (${why})`;
}
