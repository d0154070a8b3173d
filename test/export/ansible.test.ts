/** `export ansible` read by Ansible: as an inventory script, and as a file. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CONTROL_CHARACTERS } from "../harness/cluster/hostile-members.ts";
import { OUR_CLI } from "../harness/paths.ts";
import { createExportDesk, createHostileDesk, type ExportDesk } from "./exporting.ts";

/** Ansible ends its own lines. */
const CONTROL_WITHOUT_BREAKS = new RegExp(`(?!\\n)${CONTROL_CHARACTERS.source}`, "u");

/** Ansible starts a process for each host and task. */
const SLOW = { timeout: 240_000 };

const QUIET = ["-o", "-c", "local"];

async function inventoryScript({ folder }: ExportDesk): Promise<string> {
  const path = join(folder, "inventory.sh");
  const command = `${process.execPath} ${OUR_CLI} export ansible --port 2222`;
  await writeFile(path, `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
  return path;
}

async function inventoryFile(desk: ExportDesk): Promise<string> {
  const path = join(desk.folder, "inventory.json");
  await desk.export("ansible", "--port", "2222", "--out", path);
  return path;
}

test.for([
  ["script", inventoryScript],
  ["file", inventoryFile],
] as const)("ansible-inventory reads a %s, groups, hosts and variables", async ([, create]) => {
  const desk = await createExportDesk();
  const path = await create(desk);
  const inventory = JSON.parse(await desk.run("ansible-inventory", "-i", path, "--list"));
  expect(inventory.controlplane).toStrictEqual({ hosts: ["cp-1"] });
  expect(inventory.worker).toStrictEqual({ hosts: ["worker-1"] });
  expect(inventory.ungrouped).toStrictEqual({ hosts: ["odd-1"] });
  const one = JSON.parse(await desk.run("ansible-inventory", "-i", path, "--host", "cp-1"));
  expect(one).toMatchObject({
    ansible_host: "10.5.0.2",
    ansible_port: 2222,
    talos_addresses: ["10.5.0.2", "fd00::2"],
    talos_control_plane_port: 6443,
  });
  // What a node says of itself is shown as it is: Ansible runs templates in variables.
  const shown = await desk.run(
    "ansible",
    ...["-i", path, "odd-1", "-m", "debug", "-a", "var=talos_hostname", ...QUIET],
  );
  expect(shown).toContain("{{ lookup('pipe', 'id') }}");
});

/** Prints variables of every host: on the host, and of all on another one. */
const PRINTING_PLAYBOOK = `
- hosts: member-*
  gather_facts: false
  connection: local
  tasks:
    - debug:
        msg: "{{ talos_node_id }} {{ talos_hostname | trim }} {{ talos_operating_system }} {{ talos_addresses }}"
- hosts: member-0
  gather_facts: false
  connection: local
  tasks:
    - set_fact:
        again: "{{ groups.all | map('extract', hostvars) | map(attribute='talos_node_id') | list }}"
    - debug:
        msg: "{{ item }}"
      loop: "{{ again }}"
`;

test.for([
  ["script", inventoryScript],
  ["file", inventoryFile],
] as const)("nothing that members publish runs, from a %s", SLOW, async ([, create]) => {
  const desk = await createHostileDesk();
  const path = await create(desk);
  const inventory = JSON.parse(await desk.run("ansible-inventory", "-i", path, "--list"));
  const hosts = Object.keys(inventory._meta.hostvars);
  expect(inventory.all.children).toEqual(expect.arrayContaining(["controlplane", "worker"]));
  expect(inventory.controlplane.hosts.length + inventory.worker.hosts.length).toBe(hosts.length);
  for (const name of ["all", "All", "ungrouped", "controlplane", "worker", "localhost"]) {
    expect(hosts).not.toContain(name);
  }
  const listed = await desk.run("ansible", "-i", path, "all", "--list-hosts");
  expect(listed).toContain(`hosts (${hosts.length})`);
  expect(listed).not.toMatch(CONTROL_WITHOUT_BREAKS);

  const playbook = join(desk.folder, "print.yaml");
  await writeFile(playbook, PRINTING_PLAYBOOK);
  const printed = await desk.run("ansible-playbook", "-i", path, playbook);
  expect(await desk.ran()).toEqual([]);
  // Shown as it is, for every field.
  const command = `lookup('pipe', 'touch ${desk.folder}/ran') }}`;
  const id = desk.members.findIndex(({ nodeId }) => nodeId === `{{ ${command}`);
  expect(hosts).toContain(desk.members[id]?.nodename);
  expect(printed).toContain(`{{ ${command} {{ ${command} {{ ${command} ['10.66`);
  expect(printed).toContain("\"#jinja2:variable_start_string:'[['");
  expect(printed).toMatch(/failed=0/);
  expect(printed).not.toMatch(/failed=[1-9]/);
  expect(printed).not.toMatch(CONTROL_WITHOUT_BREAKS);
});

test("an inventory of no members is one that Ansible takes", async () => {
  const desk = await createExportDesk();
  const path = join(desk.folder, "none.json");
  await desk.export("ansible", "--exclude", "fd00::/16", "--out", path);
  const inventory = JSON.parse(await desk.run("ansible-inventory", "-i", path, "--list"));
  expect(inventory._meta.hostvars).toStrictEqual({});
});
