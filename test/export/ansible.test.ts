/** `export ansible` read by Ansible: as an inventory script, and as a file. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { OUR_CLI } from "../harness/paths.ts";
import { createExportDesk, type ExportDesk } from "./exporting.ts";

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

test("an inventory of no members is one that Ansible takes", async () => {
  const desk = await createExportDesk();
  const path = join(desk.folder, "none.json");
  await desk.export("ansible", "--exclude", "fd00::/16", "--out", path);
  const inventory = JSON.parse(await desk.run("ansible-inventory", "-i", path, "--list"));
  expect(inventory._meta).toStrictEqual({ hostvars: {} });
});
