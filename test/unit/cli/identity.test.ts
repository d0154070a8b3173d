import { readFile, stat } from "node:fs/promises";
import { expect, test } from "vitest";
import { createTestFolder } from "./test-folder.ts";
import { runCommand } from "./test-terminal.ts";

const NODE_ID = "sou7yy34ykX3n373Zw1DXKb8zD7UnyKT6HT3QDsGH6L";
const MACHINE_ID = "be871ac0d0dd31fa4caca753b0f3f1b2";

test("identity show prints the node ID and the machine ID", async () => {
  await using folder = await createTestFolder();
  const path = await folder.file("node-identity.yaml", `nodeId: ${NODE_ID}\n`);
  expect((await runCommand(["identity", "show", path])).stdout).toBe(
    `NODE ID                                       MACHINE ID\n${NODE_ID}   ${MACHINE_ID}\n`,
  );
  expect((await runCommand(["identity", "show", path, "-o", "yaml"])).stdout).toBe(
    `nodeId: ${NODE_ID}\nmachineId: ${MACHINE_ID}\n`,
  );
  expect((await runCommand(["identity", "show", path, "-o", "json"])).stdout).toBe(
    `{\n    "machineId": "${MACHINE_ID}",\n    "nodeId": "${NODE_ID}"\n}\n`,
  );
});

test("identity new writes a file that identity show reads, and never overwrites", async () => {
  await using folder = await createTestFolder();
  const path = folder.path("node-identity.yaml");
  const { exitCode, stdout } = await runCommand(["identity", "new", "--out", path]);
  expect(exitCode).toBe(0);
  expect((await runCommand(["identity", "show", path])).stdout).toBe(stdout);
  expect((await stat(path)).mode & 0o777).toBe(0o600);

  const text = await readFile(path, "utf8");
  const again = await runCommand(["identity", "new", "--out", path]);
  expect(again.stderr).toMatch(path);
  expect(again.exitCode).toBe(2);
  expect(await readFile(path, "utf8")).toBe(text);
});

test("identity new without a file makes another identity each time", async () => {
  const { stdout } = await runCommand(["identity", "new", "-o", "yaml"]);
  expect(stdout).toMatch(/^nodeId: [A-Za-z0-9]{43,45}\nmachineId: [0-9a-f]{32}\n$/);
  expect((await runCommand(["identity", "new", "-o", "yaml"])).stdout).not.toBe(stdout);
});

test("get identities shows the local one, under any of its names", async () => {
  await using folder = await createTestFolder();
  const path = await folder.file("node-identity.yaml", `nodeId: ${NODE_ID}\n`);
  for (const name of ["identities", "identity", "i", "Identities.cluster.talos.dev"]) {
    expect((await runCommand(["get", name, "--identity", path])).stdout).toBe(
      `ID      VERSION   ID\nlocal   1         ${NODE_ID}\n`,
    );
  }
  const env = {
    TALOS_DISCOVERY_IDENTITY: path,
    TALOS_DISCOVERY_OUTPUT: "yaml",
    TALOS_DISCOVERY_WATCH: "1",
  };
  expect((await runCommand(["get", "identity", "local"], { env })).stdout).toBe(
    "node: localhost\nmetadata:\n    namespace: cluster\n    type: Identities.cluster.talos.dev\n" +
      `    id: local\n    version: 1\n    phase: running\nspec:\n    nodeId: ${NODE_ID}\n`,
  );
  const other = await runCommand(["get", "identity", "other"], { env });
  expect(other.stderr).toBe('talos-discovery: identities "other": not found\n');
  expect(other.exitCode).toBe(1);
});
