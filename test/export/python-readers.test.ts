/** `export csv` and `export talosconfig` read by Python's readers of those formats: talosctl is not in Debian. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createExportDesk } from "./exporting.ts";

/** Debian's own, which has PyYAML: another that is first on the PATH may have none. */
const PYTHON = "/usr/bin/python3";

const READ_CSV =
  "import csv,json,sys; print(json.dumps(list(csv.DictReader(open(sys.argv[1], newline='')))))";
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
