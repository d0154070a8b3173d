/**
 * An inventory for Ansible: as a script prints it, or as a file has it.
 * @see https://docs.ansible.com/ansible/latest/dev_guide/developing_inventory.html
 * @module
 */

import { quote } from "../../net/quote.ts";
import { UsageError } from "../exit.ts";
import { choiceOf, parsePort } from "../flags/flag-values.ts";
import { flag } from "../flags/flags.ts";
import type { ExportFormat } from "./exporter.ts";
import { canonicalHostName } from "./hosts.ts";
import { exportedType, type SelectedMember } from "./member-selection.ts";
import { memberText } from "./member-text.ts";

const FORMS = ["script", "file"] as const;

/** Machine types with a group of that name; others are in `all` alone. */
const GROUPS = ["controlplane", "worker"] as const;

/**
 * Names of groups, Ansible's and ours, and of the host that is the controller: a member of that
 * name would be what a play for the group or for the controller runs on.
 */
const RESERVED_NAMES: ReadonlySet<string> = new Set([
  ...["all", "ungrouped", "localhost", "hostvars"],
  ...GROUPS,
]);

/**
 * Texts in which no version of Ansible finds a template, whatever marks one: a header `#jinja2:`
 * changes the marks.
 */
const NO_TEMPLATE = /^[A-Za-z0-9 .,:/()_+-]*$/;

/** Groups `controlplane` and `worker`, and for each host its address and what is known of it. */
export const ANSIBLE: ExportFormat = {
  name: "ansible",
  description: "An Ansible inventory: groups controlplane and worker, with variables.",
  examples: ["--config cluster.yaml --out inventory.json", "--config cluster.yaml --host worker-1"],
  notes:
    "Ansible reads JSON of a file in another form than that of a script: --out writes the one (its name has\n" +
    "to end in .json), stdout has the other. As an inventory script, this does: an executable file with\n" +
    "  #!/bin/sh\n" +
    '  exec talos-discovery export ansible --config /etc/cluster.yaml "$@"\n' +
    "Variables: ansible_host, ansible_port with --port, talos_node_id, talos_hostname, talos_machine_type,\n" +
    "talos_operating_system, talos_addresses, and talos_control_plane_port where there is one. Texts that could\n" +
    "be templates are marked as unsafe, so that Ansible never runs them. Members with the name of a group (all,\n" +
    "ungrouped, controlplane, worker) or of this machine (localhost) are left out.\n",
  addFlags(command) {
    command
      .addOption(
        flag("--port <port>", "ansible_port (default: Ansible's own)").ownedBy("export ansible"),
      )
      .addOption(
        flag(
          "--form <form>",
          `${FORMS.join(", ")} (default: file with --out, else script)`,
        ).ownedBy("export ansible"),
      )
      .addOption(
        flag("--list", "the whole inventory, which is printed anyway: Ansible says it").ownedBy(
          "export ansible",
        ),
      )
      .addOption(
        flag("--host <name>", "only the variables of this host: Ansible says it").ownedBy(
          "export ansible",
        ),
      );
  },
  prepare(flags) {
    const port = flags.parsed("port", parsePort);
    const host = flags.text("host");
    const form = flags.parsed("form", choiceOf(FORMS)) ?? (flags.text("out") ? "file" : "script");
    if (host !== undefined && flags.isOn("list")) throw new UsageError("--host: not with --list");
    return {
      render({ members }) {
        const problems: string[] = [];
        const hostMembers = members.filter(({ name }) => {
          const why = whyNoHost(name);
          if (why !== undefined) problems.push(`ansible: ${why}`);
          return why === undefined;
        });
        const hosts = hostMembers.map(
          (member) => [member.name, hostVariables(member, port)] as const,
        );
        const variables = Object.fromEntries(hosts);
        const inventory =
          host !== undefined
            ? // Ansible's answer for a host without variables, or one that is unknown.
              (new Map(hosts).get(host) ?? {})
            : form === "script"
              ? scriptInventory(hostMembers, variables)
              : fileInventory(hostMembers, variables);
        return {
          text: `${JSON.stringify(inventory, null, 2)}\n`,
          problems,
        };
      },
    };
  },
};

type Variables = Readonly<Record<string, object>>;

/** Why a name is not listed; `undefined` if it is. */
function whyNoHost(name: string): string | undefined {
  const canonical = canonicalHostName(name);
  // Ansible expands names like w[1:9].
  if (canonical === undefined) return `${quote(name)} is left out, it is not a valid host name`;
  if (RESERVED_NAMES.has(canonical)) return `${quote(name)} is left out, the name is reserved`;
  return undefined;
}

function hostVariables(
  { spec, address, addresses }: SelectedMember,
  port: number | undefined,
): object {
  const variables = {
    ansible_host: address,
    ...(port !== undefined && { ansible_port: port }),
    talos_node_id: spec.nodeId,
    talos_hostname: spec.hostname,
    talos_machine_type: exportedType(spec.machineType),
    talos_operating_system: spec.operatingSystem,
    talos_addresses: addresses,
    ...(spec.controlPlane !== undefined && { talos_control_plane_port: spec.controlPlane.port }),
  };
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, inventoryValue(value)]),
  );
}

/** What every variable goes through: what a member says is no template, which Ansible would run. */
function inventoryValue(value: string | number | readonly string[]): unknown {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return value.map(inventoryValue);
  const text = memberText(value);
  return NO_TEMPLATE.test(text) ? text : { __ansible_unsafe: text };
}

/** With `_meta`, which saves Ansible a call for each host. */
function scriptInventory(members: readonly SelectedMember[], hostvars: Variables): object {
  const groups = GROUPS.map((group) => [group, { hosts: namesIn(members, group) }]);
  return {
    _meta: { hostvars },
    all: { children: [...GROUPS, "ungrouped"] },
    ...Object.fromEntries(groups),
    ungrouped: { hosts: namesIn(members, undefined) },
  };
}

function fileInventory(members: readonly SelectedMember[], hostvars: Variables): object {
  const hostsOf = (names: readonly string[]) => ({
    hosts: Object.fromEntries(names.map((name) => [name, hostvars[name]])),
  });
  const groups = GROUPS.map((group) => [group, hostsOf(namesIn(members, group))]);
  return {
    all: {
      children: {
        ...Object.fromEntries(groups),
        ungrouped: hostsOf(namesIn(members, undefined)),
      },
    },
  };
}

/** @param group - `undefined` for those in no group. */
function namesIn(
  members: readonly SelectedMember[],
  group: (typeof GROUPS)[number] | undefined,
): string[] {
  const groupOf = ({ spec }: SelectedMember) =>
    GROUPS.find((name) => name === exportedType(spec.machineType));
  return members.filter((member) => groupOf(member) === group).map(({ name }) => name);
}
