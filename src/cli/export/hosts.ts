/**
 * Members as lines of a hosts file: address, host name, node name.
 * @see hosts(5)
 * @module
 */

import { hostname } from "node:os";
import { quote } from "../../net/quote.ts";
import { CommandFailure } from "../exit.ts";
import { flag, listFlag } from "../flags/flags.ts";
import { shortList } from "../text.ts";
import type { ExportFormat, RenderedExport } from "./exporter.ts";
import type { SelectedMember } from "./member-selection.ts";
import { shownName } from "./member-text.ts";

const MAX_NAME_CHARACTERS = 253;

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** What a machine calls itself. Another one by that name would take its place. */
const OWN_NAMES = /^(?:(?:.+\.)?localhost|localhost\.localdomain|ip6-(?:localhost|loopback))$/;

/**
 * Names that programs look up by themselves: where the proxy is, where a tunnel ends, and what
 * hosts files have for a machine's own interfaces. Reserved as first labels too.
 */
const RESERVED_LABELS: ReadonlySet<string> = new Set([
  ...["localhost", "wpad", "isatap", "broadcasthost"],
  ...["localnet", "mcastprefix", "allnodes", "allrouters", "allhosts"].map((it) => `ip6-${it}`),
  ...["ip6-localhost", "ip6-loopback"],
]);

/** Shortened names in a notice. */
const MAX_SHOWN_NAMES = 5;

/** The line before the block. */
const BLOCK_BEGIN = "# BEGIN talos-discovery";

/** The line after it. */
const BLOCK_END = "# END talos-discovery";

/** One line for each member, between two markers, so that it can stand in a file with more. */
export const HOSTS: ExportFormat = {
  name: "hosts",
  description: "Lines for /etc/hosts: address, host name, node name.",
  examples: [
    "--config cluster.yaml --family 4",
    "--config cluster.yaml --domain example.com --out /etc/hosts --watch",
  ],
  notes:
    "With --out, only the block between its two markers is replaced, and everything else in the file stays.\n" +
    "A name that stands elsewhere in the file is left out of the block.\n" +
    "A name with dots that is not in a --domain is listed by its first label: no member can take the place of\n" +
    "another site. The names localhost, wpad, isatap and this machine's own are never listed. A name that two\n" +
    "members claim goes to the one whose node name it is; if there is none, it is not listed.\n",
  addFlags(command) {
    command
      .addOption(listFlag("--domain <domain>", "list names in this domain with all their labels"))
      .addOption(flag("--any-name", "list names of every domain with all their labels"));
  },
  prepare(flags) {
    const domains = flags.parsedList("domain", parseDomain);
    const isAnyName = flags.isOn("any-name");
    const rules: NameRules = { domains, isAnyName, ownNames: ownNames(domains) };
    return { render: ({ members }) => renderHosts(members, rules), merge: replaceBlock };
  },
};

/** Which names are listed. */
interface NameRules {
  readonly domains: readonly string[];
  readonly isAnyName: boolean;
  readonly ownNames: ReadonlySet<string>;
}

/** A text of a member as it may stand in the file, or why it may not. */
type ListedName =
  | { readonly name: string; readonly isShortened: boolean }
  | { readonly name: undefined; readonly why: string };

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

/** What every name of a member goes through. */
function listedName(text: string, { domains, isAnyName, ownNames }: NameRules): ListedName {
  const whole = canonicalHostName(text);
  const isWhole =
    isAnyName || !whole?.includes(".") || domains.some((domain) => whole.endsWith(`.${domain}`));
  const name = isWhole ? whole : canonicalHostName(firstLabel(whole ?? ""));
  if (whole === undefined || name === undefined) {
    return { name: undefined, why: `${quote(text)} is left out, it is not a valid host name` };
  }
  if (ownNames.has(name)) {
    return { name: undefined, why: `${quote(name)} is left out, it is this machine's own name` };
  }
  if (RESERVED_LABELS.has(firstLabel(name))) {
    return { name: undefined, why: `${quote(name)} is left out, the name is reserved` };
  }
  return { name, isShortened: !isWhole };
}

function firstLabel(name: string): string {
  return name.split(".", 1)[0] ?? "";
}

/** As the system has it, without its domain, and in each of the domains that are listed. */
function ownNames(domains: readonly string[]): ReadonlySet<string> {
  const own = hostname().toLowerCase();
  const label = firstLabel(own);
  return new Set([own, label, ...domains.map((domain) => `${label}.${domain}`)]);
}

function parseDomain(text: string): string {
  const domain = canonicalHostName(text.replace(/^\./, ""));
  if (domain !== undefined) return domain;
  throw new RangeError(`invalid domain ${quote(text)}: expected a name such as example.com`);
}

function renderHosts(members: readonly SelectedMember[], rules: NameRules): RenderedExport {
  const problems: string[] = [];
  const shortened = new Set<string>();
  const claims = new HostNameClaims(members, rules);
  const lines = members.flatMap((member) => {
    const { names, lost, cut } = claims.namesOf(member);
    problems.push(...lost.map((why) => `hosts: ${shownName(member.name)}: ${why}`));
    for (const text of cut) shortened.add(quote(text));
    return names.length === 0 ? [] : [`${member.address}\t${names.join(" ")}`];
  });
  if (shortened.size > 0) {
    problems.unshift(
      `hosts: listed by the first label, not in a --domain: ${shortList([...shortened], MAX_SHOWN_NAMES)}; --any-name lists all labels`,
    );
  }
  return { text: markBlock(lines), problems };
}

/** A member's wish to have a name. */
interface Claim {
  readonly member: SelectedMember;
  /** As it was published. */
  readonly text: string;
  readonly listed: ListedName;
  /**
   * The least has it: node names are unique in a cluster, but for upper case, and host names are
   * what somebody typed. Of either, one that is not shortened goes first, so that
   * `worker-1.elsewhere` takes nothing from `worker-1`.
   */
  readonly rank: number;
}

/** Who may have which name. */
class HostNameClaims {
  readonly #byMember = new Map<SelectedMember, readonly Claim[]>();
  /** By name: the members with the least rank. */
  readonly #holders = new Map<string, readonly SelectedMember[]>();

  constructor(members: readonly SelectedMember[], rules: NameRules) {
    for (const member of members) {
      // The host name first, which makes it the canonical one.
      const texts = [member.spec.hostname, member.name];
      const claims = texts.map((text, index): Claim => {
        const listed = listedName(text, rules);
        const isShortened = listed.name !== undefined && listed.isShortened;
        const isNodeName = index === 1;
        return { member, text, listed, rank: (isNodeName ? 0 : 2) + (isShortened ? 1 : 0) };
      });
      this.#byMember.set(
        member,
        claims.filter(({ text }) => text !== ""),
      );
    }
    const byName = Map.groupBy([...this.#byMember.values()].flat(), ({ listed }) => listed.name);
    for (const [name, claims] of byName) {
      if (name === undefined) continue;
      const least = claims.reduce((rank, claim) => Math.min(rank, claim.rank), Infinity);
      const holders = claims.filter(({ rank }) => rank === least).map(({ member }) => member);
      this.#holders.set(name, holders);
    }
  }

  /** Its names, why others are left out, and which of its texts are listed shortened. */
  namesOf(member: SelectedMember): {
    readonly names: readonly string[];
    readonly lost: readonly string[];
    readonly cut: readonly string[];
  } {
    const names = new Set<string>();
    const lost = new Set<string>();
    const cut: string[] = [];
    for (const { text, listed } of this.#byMember.get(member) ?? []) {
      if (listed.name === undefined) {
        lost.add(listed.why);
        continue;
      }
      const rival = this.#rivalOf(listed.name, member);
      if (rival !== undefined) {
        lost.add(`${quote(listed.name)} is left out, ${shownName(rival.name)} has it too`);
        continue;
      }
      names.add(listed.name);
      if (listed.isShortened) cut.push(text);
    }
    return { names: [...names], lost: [...lost], cut };
  }

  #rivalOf(name: string, member: SelectedMember): SelectedMember | undefined {
    return this.#holders.get(name)?.find((holder) => holder !== member);
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
    const rest = withoutNamesOf(text, block);
    return text === "" || text.endsWith("\n") ? text + rest : `${text}\n${rest}`;
  }
  if (begins.length !== 1 || ends.length !== 1 || Number(begin) > Number(end)) {
    throw new CommandFailure(
      `expected one line "${BLOCK_BEGIN}" and one "${BLOCK_END}" after it, or none of them`,
    );
  }
  const before = lines.slice(0, begin).map(withBreak).join("");
  const after = lines.slice(Number(end) + 1).join("\n");
  return before + withoutNamesOf(`${before}\n${after}`, block) + after;
}

/**
 * Leaves out of a block what the rest of the file names: whoever wrote that does not share the name
 * with a member. A comment in the block says so.
 */
function withoutNamesOf(rest: string, block: string): string {
  const taken = new Set(rest.split("\n").flatMap(namesOfLine));
  const left = new Set<string>();
  const lines = block.split("\n").flatMap((line) => {
    const names = namesOfLine(line);
    if (!names.some((name) => taken.has(name))) return [line];
    const free = names.filter((name) => !taken.has(name));
    for (const name of names) if (taken.has(name)) left.add(name);
    const [address] = line.split("\t");
    return free.length === 0 ? [] : [`${address}\t${free.join(" ")}`];
  });
  const told = [...left].map((name) => `# ${name} is left out: it has a line of its own`);
  const [begin = "", ...others] = lines;
  return [begin, ...told, ...others].join("\n");
}

/** What a line of a hosts file names, in lower case. */
function namesOfLine(line: string): string[] {
  const [, ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
  return names.map((name) => name.toLowerCase().replace(/\.$/, ""));
}

function indexesOf(lines: readonly string[], marker: string): number[] {
  return lines.flatMap((line, index) => (line.trimEnd() === marker ? [index] : []));
}

function withBreak(line: string): string {
  return `${line}\n`;
}
