import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fromBinary, toJson } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { printable } from "../../../src/net/quote.ts";
import { StateSnapshotSchema } from "../../../src/protocol/index.ts";
import { encodeSnapshotCluster } from "../../../src/protocol/snapshot.ts";
import { createTestFolder } from "../../harness/cli/test-folder.ts";
import { runCommand } from "../../harness/cli/test-terminal.ts";

const VECTORS = join(import.meta.dirname, "../../vectors");

const FILES = ["snapshot-ttl.binpb", "snapshot-expiration.binpb"];

test.each(FILES)(
  "%s is shown as JSON of its protobuf message, and the same as YAML",
  async (name) => {
    const path = join(VECTORS, name);
    const json = await runCommand(["snapshot", "show", path, "-o", "json"]);
    expect(json).toMatchObject({ exitCode: 0, stderr: "" });
    const expected = toJson(
      StateSnapshotSchema,
      fromBinary(StateSnapshotSchema, await readFile(path)),
    );
    expect(JSON.parse(json.stdout)).toEqual(expected);
    const yaml = await runCommand(["snapshot", "show", path, "-o", "yaml"]);
    expect(parse(yaml.stdout)).toEqual(expected);
  },
);

test("JSON has the keys in the order of the reference's decoder", async () => {
  const path = join(VECTORS, "snapshot-ttl.binpb");
  const { stdout } = await runCommand(["snapshot", "show", path, "-o", "json"]);
  expect(
    stdout
      .split("\n")
      .slice(0, 8)
      .map((line) => line.slice(0, 24)),
  ).toEqual([
    "{",
    '  "clusters": [',
    "    {",
    '      "id": "cluster-0",',
    '      "affiliates": [',
    "        {",
    '          "id": "7GBeN1t',
    '          "ttl": "178s",',
  ]);
  expect(stdout.endsWith("\n    }\n  ]\n}\n")).toBe(true);
});

test("a table has a row for each affiliate, a wide one also when its endpoints end", async () => {
  const path = join(VECTORS, "snapshot-ttl.binpb");
  const table = (await runCommand(["snapshot", "show", path])).stdout.split("\n");
  expect(table[0]).toMatch(/^CLUSTER {5}AFFILIATE +TTL +DATA +ENDPOINTS$/);
  expect(table[1]).toMatch(
    /^cluster-0 {3}7GBeN1tx1qW51lGAYQJjLilIgmKdegK3PfcPWEdMjnSA +178s +275 B +3$/,
  );
  expect(table).toHaveLength(11);
  const wide = (await runCommand(["snapshot", "show", path, "-o", "wide"])).stdout.split("\n");
  expect(wide[1]).toMatch(/ 3 +1291s,633s,1479s$/);
  const older = await runCommand(["snapshot", "show", join(VECTORS, "snapshot-expiration.binpb")]);
  expect(older.stdout).toMatch(/PfcPWEdMjnSA {3}2026-01-02T03:07:03.678Z {3}275 B {3}3\n/);
});

test.each([
  ["table", "CLUSTER   AFFILIATE   TTL   DATA   ENDPOINTS\n"],
  ["json", "{}\n"],
  ["yaml", "{}\n"],
])("an empty file is no cluster: %s", async (format, stdout) => {
  await using folder = await createTestFolder();
  const path = await folder.file("state.binpb", "");
  expect(await runCommand(["snapshot", "show", path, "-o", format])).toEqual({
    exitCode: 0,
    stdout,
    stderr: "",
  });
});

test("of a cut file, what comes before is shown, whole, and one line says what happened", async () => {
  await using folder = await createTestFolder();
  const path = folder.path("state.binpb");
  const affiliate = { id: "a", data: new Uint8Array(3), ttlMs: 5_000, endpoints: [] };
  const entry = encodeSnapshotCluster({ id: "c", affiliates: [affiliate] });
  await writeFile(path, Buffer.concat([entry, entry.subarray(0, -1)]));
  const { exitCode, stdout, stderr } = await runCommand(["snapshot", "show", path, "-o", "json"]);
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout)).toEqual({
    clusters: [{ id: "c", affiliates: [{ id: "a", ttl: "5s", data: "AAAA" }] }],
  });
  expect(stderr).toBe(
    `talos-discovery: ${path}: the entry at byte ${entry.length} is malformed: ` +
      `${entry.length - 2} bytes, of which 1 are missing; shown is what comes before: 1 cluster\n`,
  );
});

test("a name from a stranger's cluster cannot move the cursor", async () => {
  await using folder = await createTestFolder();
  const path = folder.path("state.binpb");
  const affiliate = { id: "\u001b[2J", data: new Uint8Array(0), ttlMs: 5_000, endpoints: [] };
  await writeFile(path, encodeSnapshotCluster({ id: "c\n", affiliates: [affiliate] }));
  const { stdout } = await runCommand(["snapshot", "show", path]);
  expect(stdout).toContain("c\\u000a   \\u001b[2J   5s");
});

test.each(["json", "yaml"])(
  "a stranger's ID is escaped in %s, and stays the same",
  async (format) => {
    await using folder = await createTestFolder();
    const path = folder.path("state.binpb");
    const id = "\u0000\u001b\u007f\u0085\u009b2J\u2028\u202e\u2066\n";
    const affiliate = { id, data: new Uint8Array(0), ttlMs: 5_000, endpoints: [] };
    await writeFile(path, encodeSnapshotCluster({ id, affiliates: [affiliate] }));
    const { stdout } = await runCommand(["snapshot", "show", path, "-o", format]);
    expect(parse(stdout)).toEqual({ clusters: [{ id, affiliates: [{ id, ttl: "5s" }] }] });
    if (format === "json") expect(JSON.parse(stdout)).toEqual(parse(stdout));
    expect(stdout.replaceAll("\n", "")).toBe(printable(stdout.replaceAll("\n", "")));
  },
);

test("a file that cannot be read is wrong input", async () => {
  await using folder = await createTestFolder();
  const missing = folder.path("none");
  expect(await runCommand(["snapshot", "show", missing])).toEqual({
    exitCode: 2,
    stdout: "",
    stderr: `talos-discovery: ${missing}: no such file or directory\n`,
  });
});
