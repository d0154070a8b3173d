import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import manifest from "../../../package.json" with { type: "json" };
import { createTestFolder } from "../../harness/cli/test-folder.ts";
import { type RunCommandOptions, runCommand } from "../../harness/cli/test-terminal.ts";

const SECRET = "hHXcBoKBUyuMkdaj2Srbp1QYxiIWJEvQUsUJJFwGfIk=";
const CLUSTER = ["--cluster-id", "c"];
const IN_ENVIRONMENT = { env: { TALOS_DISCOVERY_CLUSTER_SECRET: SECRET } };

/** Runs a wrong command: exit 2, nothing on stdout, and one line on stderr, which is given. */
async function complaint(argv: readonly string[], options?: RunCommandOptions): Promise<string> {
  const { exitCode, stdout, stderr } = await runCommand(argv, options);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^talos-discovery: [^\n]+\n$/);
  expect(exitCode).toBe(2);
  return stderr.slice("talos-discovery: ".length, -1);
}

test.each([
  [["serv"], "unknown command 'serv' (Did you mean serve?)"],
  [["serve", "--adr", ":1"], "unknown option '--adr' (Did you mean --addr?)"],
  [
    ["serve", "--landing-addr", "3001"],
    '--landing-addr: "3001" is no address such as :3000, 127.0.0.1:3000 or [::1]:3000',
  ],
  [["serve", "extra"], "too many arguments for 'serve'. Expected 0 arguments but got 1"],
  [
    ["serve", "--addr", "3000"],
    '--addr: "3000" is no address such as :3000, 127.0.0.1:3000 or [::1]:3000',
  ],
  [
    ["serve", "-addr=:99999"],
    '--addr: ":99999" is no address such as :3000, 127.0.0.1:3000 or [::1]:3000',
  ],
  [["serve", "--log-format", "xml"], '--log-format: "xml" is none of text, json'],
  [["serve", "--certificate-path", "x"], "--certificate-path and --key-path: one is missing"],
  [
    ["serve", "--client-ca-path", "x"],
    "--client-ca-path: only with --certificate-path and --key-path",
  ],
  [["serve", "--rate-limit", "1.5"], '--rate-limit: "1.5" is no whole number from 0 to 1000000000'],
  [["serve", "--max-clusters=0"], '--max-clusters: "0" is no whole number from 1 to 1000000000'],
  [["serve", "--restart-grace=25d"], '--restart-grace: "25d" is no duration such as 30m or 10s'],
  [["serve", "--restart-grace=600h"], '--restart-grace: "600h" is not below 24 days'],
  [["serve", "--snapshot-path="], "--snapshot-path is missing (or TALOS_DISCOVERY_SNAPSHOT_PATH)"],
  [["get"], "missing required argument 'resource'"],
  [
    ["get", "nodes"],
    'resource "nodes": is none of affiliates, members, identities, infos, kubespanidentities, ' +
      "kubespanpeerspecs, kubespanpeerstatuses, kubespanendpoints",
  ],
  [
    ["get", "members", "-o", "xml"],
    '--output: "xml" is none of table, wide, json, yaml, jsonpath=TEMPLATE',
  ],
  [["get", "members", "--timeout", "soon"], '--timeout: "soon" is no duration such as 30m or 10s'],
  [["get", "members", "--timeout", "0"], '--timeout: "0" is not above 0 and below 24 days'],
  [["get", "members", "-w", "--timeout", "1s"], "--timeout: not with --watch"],
  [
    ["get", "members", "--identity", "x"],
    "--identity: only for identities, kubespanpeerspecs, kubespanpeerstatuses, kubespanendpoints",
  ],
  [
    ["get", "members", "--namespace", "cluster-raw"],
    '--namespace: members are in cluster, not in "cluster-raw"',
  ],
  [
    ["get", "affiliates", "--namespace", "x"],
    '--namespace: affiliates are in cluster and cluster-raw, not in "x"',
  ],
  [["get", "identities"], "--identity is missing (or TALOS_DISCOVERY_IDENTITY)"],
  [["get", "identities", "-w"], "--watch: identities do not change"],
  [["get", "members"], "--cluster-secret-file is missing (or TALOS_DISCOVERY_CLUSTER_SECRET)"],
  [["cluster", "new", "-o", "table"], '--output: "table" is none of yaml, json'],
  [["identity", "show"], "missing required argument 'file'"],
  [["identity", "new", "--mac", "2e:1a:b6:53:81:69"], "--mac: only with --kubespan"],
  [["identity", "new", "--cluster-id", "c"], "--cluster-id: only with --kubespan"],
])("%j is answered with one line and exit code 2", async (argv, line) => {
  expect(await complaint(argv)).toBe(line);
});

test.each([
  [["get", "members"], "--cluster-id is missing (or TALOS_DISCOVERY_CLUSTER_ID)"],
  [
    ["get", "members", "--cluster-id", "x".repeat(257)],
    "--cluster-id: is 257 bytes long, more than 256",
  ],
  [
    ["get", "members", ...CLUSTER, "--service", "ftp://x"],
    '--service: service URL "ftp://x": expected scheme https, grpc or http',
  ],
  // A variable of a shell that is not set must not send anybody to the public service, nor undo a filter.
  [["get", "members", ...CLUSTER, "--service", ""], "--service: is empty"],
  [["join", ...CLUSTER, "--address-filter", ","], "--address-filter: is empty"],
  [["export", "hosts", ...CLUSTER, "--exclude="], "--exclude: is empty"],
  [["join", ...CLUSTER, "--ttl", "31m"], '--ttl: "31m" is not from 1s to 30m'],
  [["join", ...CLUSTER, "--ttl", "1ms"], '--ttl: "1ms" is not from 1s to 30m'],
  [
    ["join", ...CLUSTER, "--type", "master"],
    '--type: "master" is none of worker, controlplane, init',
  ],
  [["join", ...CLUSTER, "--address", "10.0.0"], '--address: "10.0.0" is not an IP address'],
  [["join", ...CLUSTER, "--kubespan-port", "51821"], "--kubespan-port: only with --kubespan"],
  [["join", ...CLUSTER, "--endpoint-filter", "::/0"], "--endpoint-filter: only with --kubespan"],
  [
    ["join", ...CLUSTER, "--kubespan-identity", "k.yaml"],
    "--kubespan-identity: only with --kubespan",
  ],
  [
    ["join", ...CLUSTER, "--control-plane-port", "6443"],
    "--control-plane-port: a worker has no Kubernetes API; see --type",
  ],
  [
    ["join", ...CLUSTER, "--type", "init", "--control-plane-port", "0"],
    '--control-plane-port: "0" is no port from 1 to 65535',
  ],
])("%j with a secret is answered with one line and exit code 2", async (argv, line) => {
  expect(await complaint(argv, IN_ENVIRONMENT)).toBe(line);
});

test("an endpoint that does not parse is named", async () => {
  const argv = ["join", ...CLUSTER, "--endpoint", "10.0.0.1:51820,nowhere:1"];
  expect(await complaint(argv, IN_ENVIRONMENT)).toMatch(/^--endpoint: .*"nowhere:1"/);
});

test("what a service would refuse is found before anything is sent", async () => {
  const argv = ["join", ...CLUSTER, "--hostname", "h".repeat(3000)];
  expect(await complaint(argv, IN_ENVIRONMENT)).toMatch(/2048/);
});

test("a value from the environment is named by its variable", async () => {
  const env = { ...IN_ENVIRONMENT.env, TALOS_DISCOVERY_SERVICE: "nowhere" };
  expect(await complaint(["get", "members", ...CLUSTER], { env })).toMatch(
    /^TALOS_DISCOVERY_SERVICE: service URL "nowhere"/,
  );
  expect(await complaint(["serve"], { env: { TALOS_DISCOVERY_DEBUG: "maybe" } })).toBe(
    "TALOS_DISCOVERY_DEBUG: is neither true nor false",
  );
});

test("files that are wrong are named, with the reason", async () => {
  await using folder = await createTestFolder();
  const missing = folder.path("missing");
  const empty = await folder.file("empty", "");
  const noPem = await folder.file("no.pem", "certificate");
  const wrongId = await folder.file("wrong-id.yaml", "nodeId: AAAA\n");
  const get = ["get", "members", ...CLUSTER];
  expect(await complaint([...get, "--cluster-secret-file", missing])).toBe(
    `${missing}: no such file or directory`,
  );
  expect(await complaint([...get, "--cluster-secret-file", folder.path(".")])).toBe(
    `${folder.path(".")}: is a directory`,
  );
  expect(await complaint([...get, "--cluster-secret-file", "/dev/zero"])).toBe(
    "/dev/zero: is larger than 16 MiB",
  );
  const utf16 = folder.path("utf16");
  await writeFile(utf16, "\ufeffcluster: {}\n", "utf16le");
  expect(await complaint(["get", "members", "--config", utf16])).toBe(
    `${utf16}: is UTF-16; save it as UTF-8`,
  );
  expect(await complaint(["get", "members", "--config", "-"])).toBe(
    "stdin has no cluster secret, and --cluster-secret-file is missing (or TALOS_DISCOVERY_CLUSTER_SECRET)",
  );
  expect(await complaint([...get, "--cluster-secret-file", empty])).toMatch(
    `${empty}: cluster secret is not standard base64 of 32 bytes`,
  );
  expect(await complaint([...get, "--ca-file", noPem], IN_ENVIRONMENT)).toBe(
    `${noPem}: no PEM certificate`,
  );
  expect(await complaint(["get", "identities", "--identity", missing])).toMatch(missing);
  expect(await complaint(["identity", "show", wrongId])).toMatch(wrongId);
  expect(await complaint(["join", ...CLUSTER, "--identity", wrongId], IN_ENVIRONMENT)).toMatch(
    wrongId,
  );
  const serve = ["serve", "--addr", "127.0.0.1:0"];
  expect(await complaint([...serve, "--certificate-path", missing, "--key-path", missing])).toBe(
    `${missing}: no such file or directory`,
  );
  expect(await complaint([...serve, "--certificate-path", noPem, "--key-path", noPem])).toBe(
    `${noPem}: no PEM certificate`,
  );
});

test("trusted proxies and redirects that do not parse are refused", async () => {
  const serve = ["serve", "--addr", "127.0.0.1:0"];
  expect(await complaint([...serve, "--trusted-proxies", "10.0.0.0/8,10.0.0.0/33"])).toMatch(
    /^--trusted-proxies: .*"10\.0\.0\.0\/33"/,
  );
  expect(await complaint([...serve, "--redirect-endpoint", "http://x/"])).toMatch(
    /^--redirect-endpoint: .*expected host:port/,
  );
});

test("an origin for CORS that is invalid is named with the place where it stands", async () => {
  await using folder = await createTestFolder();
  const serve = ["serve", "--addr", "127.0.0.1:0"];
  const expected = '"example.org": expected an origin like https://example.org, or *';
  expect(await complaint([...serve, "--cors-origin=*", "--cors-origin", "example.org"])).toBe(
    `invalid --cors-origin ${expected}`,
  );
  const file = await folder.file("serve.yaml", "cors-origin: [example.org]\n");
  expect(await complaint([...serve, "--config", file])).toBe(
    `${file}:1:14: invalid cors-origin ${expected}`,
  );
});

test("help and version go to stdout, and are a success", async () => {
  expect(await runCommand(["--version"])).toStrictEqual({
    exitCode: 0,
    stdout: `${manifest.version}\n`,
    stderr: "",
  });
  const names = ["serve", "get", "join", "cluster", "identity", "cluster new", "identity new"];
  for (const argv of [[], ...names.map((name) => name.split(" "))]) {
    const { exitCode, stdout, stderr } = await runCommand([...argv, "--help"]);
    expect(stdout).toMatch(/^Usage: talos-discovery/);
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
  }
  const { stdout } = await runCommand(["help", "join"]);
  expect(stdout).toContain("Examples:");
});

test("every flag of every command names its environment variable in the help", async () => {
  for (const name of ["serve", "get", "join", "cluster new", "identity new"]) {
    const { stdout } = await runCommand([...name.split(" "), "--help"]);
    const text = stdout.replace(/\s+/g, " ");
    for (const [, flag = ""] of stdout.matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)) {
      if (flag === "help") continue;
      expect(text).toContain(`[TALOS_DISCOVERY_${flag.toUpperCase().replaceAll("-", "_")}]`);
    }
  }
});

test("without a command the help is on stderr, and the exit code says that something is missing", async () => {
  const { exitCode, stdout, stderr } = await runCommand([]);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^Usage: /);
  expect(exitCode).toBe(2);
});
