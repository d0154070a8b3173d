/**
 * Members as lines of a hosts file: address, host name, node name.
 * @see hosts(5)
 * @module
 */
import { quoted } from "../text.ts";
import type { ExportFormat, RenderedExport } from "./format.ts";
import { canonicalHostName } from "./host-name.ts";
import { markBlock, replaceBlock } from "./marked-block.ts";
import type { SelectedMember } from "./member-selection.ts";

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
      if (name === undefined) lost.push(`${quoted(text)} is no host name that can be listed`);
      else if (rival === undefined) names.add(name);
      else lost.push(`${quoted(name)} is left out, ${rival.name} has it too`);
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
