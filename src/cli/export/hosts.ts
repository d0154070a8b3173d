/**
 * Members as lines of a hosts file: address, host name, node name.
 * @see hosts(5)
 * @module
 */

import { quote } from "../../net/quote.ts";
import { CommandFailure } from "../exit.ts";
import type { ExportFormat, RenderedExport } from "./exporter.ts";
import type { SelectedMember } from "./member-selection.ts";

const MAX_NAME_CHARACTERS = 253;

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** What a machine calls itself. Another one by that name would take its place. */
const OWN_NAMES = /^(?:(?:.+\.)?localhost|localhost\.localdomain|ip6-(?:localhost|loopback))$/;

/** The line before the block. */
const BLOCK_BEGIN = "# BEGIN talos-discovery";

/** The line after it. */
const BLOCK_END = "# END talos-discovery";

/** One line for each member, between two markers, so that it can stand in a file with more. */
export const HOSTS: ExportFormat = {
  name: "hosts",
  description: "Lines for /etc/hosts: address, host name, node name.",
  examples: ["--config cluster.yaml --family 4", "--config cluster.yaml --out /etc/hosts --watch"],
  notes:
    "With --out, only the block between its two markers is replaced, and everything else in the file stays.\n" +
    "A name that two members claim goes to the one whose node name it is, else to nobody.\n",
  prepare: () => ({ render: ({ members }) => renderHosts(members), merge: replaceBlock }),
};

/**
 * The one form of a host name: lower case, without the dot at the end.
 *
 * @returns `undefined` for what is no host name, what a resolver would take for an address, and
 *   names of every machine's own.
 * @see RFC 1123, section 2.1
 */
export function canonicalHostName(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, "");
  const labels = name.split(".");
  const isName = name.length <= MAX_NAME_CHARACTERS && labels.every((label) => LABEL.test(label));
  // A last label of digits makes an IPv4 address of some kind: 10.1 is 10.0.0.1.
  const isNumeric = /^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? "");
  return isName && !isNumeric && !OWN_NAMES.test(name) ? name : undefined;
}

function renderHosts(members: readonly SelectedMember[]): RenderedExport {
  const problems: string[] = [];
  const claims = new HostNameClaims(members);
  const lines = members.flatMap((member) => {
    const { names, lost } = claims.namesOf(member);
    problems.push(...lost.map((why) => `hosts: ${member.name}: ${why}`));
    return names.length === 0 ? [] : [`${member.address}\t${names.join(" ")}`];
  });
  return { text: markBlock(lines), problems };
}

/** Who may have which name. */
class HostNameClaims {
  readonly #nodeNames: ReadonlyMap<string, readonly SelectedMember[]>;
  readonly #hostNames: ReadonlyMap<string, readonly SelectedMember[]>;

  constructor(members: readonly SelectedMember[]) {
    this.#nodeNames = Map.groupBy(members, ({ name }) => canonicalHostName(name) ?? "");
    this.#hostNames = Map.groupBy(members, ({ spec }) => canonicalHostName(spec.hostname) ?? "");
  }

  /** The host name first, which makes it the canonical one, and why others are left out. */
  namesOf(member: SelectedMember): { readonly names: string[]; readonly lost: string[] } {
    const names = new Set<string>();
    const lost: string[] = [];
    for (const text of [member.spec.hostname, member.name]) {
      if (text === "") continue;
      const name = canonicalHostName(text);
      const rival = name === undefined ? undefined : this.#rivalOf(name, member);
      if (name === undefined) lost.push(`${quote(text)} is no host name that can be listed`);
      else if (rival === undefined) names.add(name);
      else lost.push(`${quote(name)} is left out, ${rival.name} has it too`);
    }
    return { names: [...names], lost: [...new Set(lost)] };
  }

  /** Node names are unique in a cluster, but for upper case; host names are what somebody typed. */
  #rivalOf(name: string, member: SelectedMember): SelectedMember | undefined {
    const isOther = (other: SelectedMember) => other !== member;
    const byNodeName = this.#nodeNames.get(name) ?? [];
    if (byNodeName.length > 0) return byNodeName.find(isOther);
    return this.#hostNames.get(name)?.find(isOther);
  }
}

/** The block on its own: markers around the lines. */
function markBlock(lines: readonly string[]): string {
  return [BLOCK_BEGIN, ...lines, BLOCK_END, ""].join("\n");
}

/**
 * Puts a marked block in the place of the one that a text has, else at its end. All else stays as
 * it is.
 *
 * @throws {CommandFailure} if the text has neither exactly one whole block nor none: what is ours
 *   is then not known.
 */
function replaceBlock(text: string, block: string): string {
  const lines = text.split("\n");
  const begins = indexesOf(lines, BLOCK_BEGIN);
  const ends = indexesOf(lines, BLOCK_END);
  const [begin] = begins;
  const [end] = ends;
  if (begin === undefined && end === undefined) {
    return text === "" || text.endsWith("\n") ? text + block : `${text}\n${block}`;
  }
  if (begins.length !== 1 || ends.length !== 1 || Number(begin) > Number(end)) {
    throw new CommandFailure(
      `expected one line "${BLOCK_BEGIN}" and one "${BLOCK_END}" after it, or none of them`,
    );
  }
  return (
    lines.slice(0, begin).map(withBreak).join("") + block + lines.slice(Number(end) + 1).join("\n")
  );
}

function indexesOf(lines: readonly string[], marker: string): number[] {
  return lines.flatMap((line, index) => (line.trimEnd() === marker ? [index] : []));
}

function withBreak(line: string): string {
  return `${line}\n`;
}
