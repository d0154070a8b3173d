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

const FORMS = ["script", "file"] as const;

/** Machine types with a group of that name; others are in `all` alone. */
const GROUPS = ["controlplane", "worker"] as const;

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
    "talos_operating_system, talos_addresses, and talos_control_plane_port where there is one.\n",
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
        // Ansible expands names like w[1:9], and takes localhost for the machine that it runs on.
        const isHost = ({ name }: SelectedMember) => canonicalHostName(name) !== undefined;
        const hostMembers = members.filter(isHost);
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
          problems: members
            .filter((member) => !isHost(member))
            .map(({ name }) => `ansible: ${quote(name)} is no host name that can be listed`),
        };
      },
    };
  },
};

type Variables = Readonly<Record<string, object>>;

function hostVariables({ spec, address, addresses }: SelectedMember, port: number | undefined) {
  return {
    ansible_host: address,
    ...(port !== undefined && { ansible_port: port }),
    talos_node_id: spec.nodeId,
    talos_hostname: plainText(spec.hostname),
    talos_machine_type: exportedType(spec.machineType),
    talos_operating_system: plainText(spec.operatingSystem),
    talos_addresses: addresses,
    ...(spec.controlPlane !== undefined && { talos_control_plane_port: spec.controlPlane.port }),
  };
}

/** What another machine says of itself is no template, which Ansible would run on this one. */
function plainText(text: string): string | { readonly __ansible_unsafe: string } {
  return /\{[{%#]/.test(text) ? { __ansible_unsafe: text } : text;
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
