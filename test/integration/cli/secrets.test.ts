import { readFile, stat } from "node:fs/promises";
import { expect, test } from "vitest";
import { createTestFolder } from "../../harness/cli/test-folder.ts";
import { runCommand } from "../../harness/cli/test-terminal.ts";

const SECRET = "hHXcBoKBUyuMkdaj2Srbp1QYxiIWJEvQUsUJJFwGfIk=";

/** Nobody listens there, so that a command that is otherwise right fails at once. */
const NOBODY = ["--service", "http://127.0.0.1:1", "--cluster-id", "c"];

test.each([
  [["get", "members", "--cluster-secret", SECRET]],
  [["get", "members", `--cluster-secret=${SECRET}`]],
  [["join", `-cluster-secret=${SECRET}`]],
  [["get", "members", "--secret", SECRET]],
  [["get", "members", "--clusterSecret", SECRET]],
])("a secret as an argument is refused, and told where it belongs: %j", async (argv) => {
  const { exitCode, stdout, stderr } = await runCommand(argv);
  expect(stderr).toBe(
    "talos-discovery: a secret is never an argument, where others can read it: use --cluster-secret-file FILE " +
      "(- for stdin) or TALOS_DISCOVERY_CLUSTER_SECRET\n",
  );
  expect(stdout).toBe("");
  expect(exitCode).toBe(2);
});

test.each([
  ["in the place of its file", ["get", "members", "--cluster-secret-file", SECRET]],
  ["in the place of a command", [SECRET]],
  ["as an argument too many", ["get", "members", "id", SECRET]],
  ["in an unknown option", ["get", "members", `--key=${SECRET}`]],
  ["in the place of a format", ["get", "members", "-o", SECRET]],
  ["in the place of a resource", ["get", SECRET]],
])("no error repeats a secret that stands %s", async (_, argv) => {
  const { exitCode, stdout, stderr } = await runCommand(argv);
  expect(stdout + stderr).not.toContain(SECRET.slice(0, 8));
  expect(stderr).toMatch(/^talos-discovery: [^\n]+\n$/);
  expect(exitCode).toBe(2);
});

test.each([
  ["short", SECRET.slice(0, 40)],
  ["of the URL-safe alphabet", SECRET.replaceAll("f", "_")],
  ["in a document without its name", `secret: ${SECRET}\n`],
  ["in a broken document", `clusterSecret: "${SECRET}\n`],
  ["of another type in a document", "clusterSecret: 12\n"],
  ["in the document, but wrong", `clusterSecret: ${SECRET}A\n`],
])("a secret from stdin that is %s is refused without a character of it", async (_, stdin) => {
  const argv = ["get", "members", ...NOBODY, "--cluster-secret-file", "-"];
  const { exitCode, stderr } = await runCommand(argv, { stdin });
  expect(stderr).toMatch(/^talos-discovery: stdin: [^\n]*secret[^\n]*\n$/);
  expect(stderr).not.toContain(SECRET.slice(0, 8));
  expect(exitCode).toBe(2);
});

test("a secret may come from a file, stdin, or the environment, alone or in the document of cluster new", async () => {
  await using folder = await createTestFolder();
  const document = folder.path("cluster.yaml");
  await runCommand(["cluster", "new", "--out", document]);
  const text = await readFile(document, "utf8");
  const plain = await folder.file("plain", `  ${SECRET}\n`);
  const get = ["get", "members", ...NOBODY];
  const file = "TALOS_DISCOVERY_CLUSTER_SECRET_FILE";
  const attempts = [
    runCommand([...get, "--cluster-secret-file", plain]),
    runCommand([...get, "--cluster-secret-file", document]),
    runCommand([...get, "--cluster-secret-file", "-"], { stdin: SECRET }),
    runCommand([...get, "--cluster-secret-file", "-"], { stdin: text }),
    runCommand(get, { env: { TALOS_DISCOVERY_CLUSTER_SECRET: SECRET } }),
    runCommand(get, { env: { [file]: plain } }),
    // What stands on the command line goes before the environment.
    runCommand([...get, "--cluster-secret-file", plain], {
      env: { TALOS_DISCOVERY_CLUSTER_SECRET: "wrong" },
    }),
  ];
  for (const { exitCode, stderr } of await Promise.all(attempts)) {
    // It was taken: what failed is the connection.
    expect(stderr).toMatch(
      /^talos-discovery: http:\/\/127\.0\.0\.1:1: [^\n]*ECONNREFUSED[^\n]*\n$/,
    );
    expect(exitCode).toBe(1);
  }
});

test("cluster new prints a Talos document with an ID and a secret of 32 bytes each", async () => {
  const yaml = await runCommand(["cluster", "new"]);
  expect(yaml.stdout).toMatch(
    /^apiVersion: v1alpha1\nkind: DiscoveryIdentityConfig\nclusterID: \S{43}=\nclusterSecret: \S{43}=\n$/,
  );
  const json = await runCommand(["cluster", "new", "-o", "json"]);
  expect(Object.keys(JSON.parse(json.stdout))).toStrictEqual([
    "apiVersion",
    "clusterID",
    "clusterSecret",
    "kind",
  ]);
});

test("cluster new --out writes a file for its owner alone, prints only the ID, and never overwrites", async () => {
  await using folder = await createTestFolder();
  const path = folder.path("cluster.json");
  const { exitCode, stdout, stderr } = await runCommand([
    "cluster",
    "new",
    "--out",
    path,
    "-o",
    "json",
  ]);
  expect(exitCode).toBe(0);
  const text = await readFile(path, "utf8");
  const { clusterID, clusterSecret } = JSON.parse(text);
  expect(stdout).toBe(`${clusterID}\n`);
  expect(stdout + stderr).not.toContain(clusterSecret);
  expect((await stat(path)).mode & 0o777).toBe(0o600);

  const again = await runCommand(["cluster", "new", "--out", path]);
  expect(again.stderr).toBe(`talos-discovery: ${path}: exists already, and is not overwritten\n`);
  expect(again.exitCode).toBe(2);
  expect(await readFile(path, "utf8")).toBe(text);
});
