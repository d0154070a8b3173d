/** `export csv` and `export talosconfig` read by Python's readers of those formats: talosctl is not in Debian. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CONTROL_CHARACTERS } from "../harness/cluster/hostile-members.ts";
import { createExportDesk, createHostileDesk } from "./exporting.ts";

/** Debian's own, which has PyYAML: another that is first on the PATH may have none. */
const PYTHON = "/usr/bin/python3";

const READ_CSV =
  "import csv,json,sys; print(json.dumps(list(csv.DictReader(open(sys.argv[1], newline='')))))";
/** As spreadsheets of other countries read the same file: with other separators. */
const READ_CELLS = `
import csv, json, sys
cells = [cell for separator in ",;|\\t"
         for row in csv.reader(open(sys.argv[1], newline=""), delimiter=separator) for cell in row]
print(json.dumps(cells))
`;
const READ_YAML = "import json,sys,yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";

test("Python's csv module reads a row for each member, and no formula", async () => {
  const desk = await createExportDesk();
  const path = join(desk.folder, "members.csv");
  await desk.export("csv", "--out", path);
  const rows = JSON.parse(await desk.run(PYTHON, "-c", READ_CSV, path));
  expect(rows).toMatchObject([
    { node_name: "cp-1", machine_type: "controlplane", addresses: "10.5.0.2 fd00::2" },
    { node_name: "odd-1", operating_system: "'=cmd|' /C calc'!A0", address: "fd00::4" },
    { node_name: "worker-1", operating_system: 'Talos, "the" system', control_plane_port: "" },
  ]);
});

test("no cell is a formula, whatever members publish and whatever separates cells", async () => {
  const desk = await createHostileDesk();
  const path = join(desk.folder, "members.csv");
  await desk.export("csv", "--out", path);
  const rows = JSON.parse(await desk.run(PYTHON, "-c", READ_CSV, path));
  expect(rows).toHaveLength(desk.members.length);
  const cells: string[] = JSON.parse(await desk.run(PYTHON, "-c", READ_CELLS, path));
  // Eight with commas, and at least one with each of the others.
  expect(cells.length).toBeGreaterThan((8 + 3) * desk.members.length);
  for (const cell of cells) {
    expect(cell).not.toMatch(/^[\s"]*[=+\-@\uff1d\uff0b\uff0d\uff20]/);
    expect(cell).not.toMatch(CONTROL_CHARACTERS);
  }
});

test("PyYAML reads nothing but addresses of hostile members", async () => {
  const desk = await createHostileDesk();
  const path = join(desk.folder, "config");
  await desk.export("talosconfig", "--context", "prod", "--out", path);
  const { context, contexts } = JSON.parse(await desk.run(PYTHON, "-c", READ_YAML, path));
  expect([context, Object.keys(contexts)]).toStrictEqual(["prod", ["prod"]]);
  expect(contexts.prod.nodes).toHaveLength(desk.members.length);
  for (const node of [...contexts.prod.nodes, ...contexts.prod.endpoints]) {
    expect(node).toMatch(/^10\.66\.\d+\.\d+$/);
  }
});

test("PyYAML reads the context, beside what the file had", async () => {
  const desk = await createExportDesk();
  const path = join(desk.folder, "config");
  await writeFile(
    path,
    "context: lab\ncontexts:\n  lab:\n    endpoints: [192.0.2.1]\n    key: a2V5\n",
  );
  await desk.export("talosconfig", "--context", "prod", "--family", "4", "--out", path);
  expect(JSON.parse(await desk.run(PYTHON, "-c", READ_YAML, path))).toStrictEqual({
    context: "lab",
    contexts: {
      lab: { endpoints: ["192.0.2.1"], key: "a2V5" },
      prod: { endpoints: ["10.5.0.2"], nodes: ["10.5.0.2", "10.5.0.3"] },
    },
  });
  const before = await readFile(path, "utf8");
  await desk.export("talosconfig", "--context", "prod", "--family", "4", "--out", path);
  expect(await readFile(path, "utf8")).toBe(before);
});
